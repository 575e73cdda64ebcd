// Package ban keeps clients out of a station, for a time or for ever, until an administrator
// takes it back.
//
// A Ban names an address, a network, a pattern of user agents, or a user. A List has those of a
// station. It is a map whose last writer wins, so that lists of several nodes become the same in
// whatever order they are merged: a ban that is taken back stays in it for a while. Match takes no
// lock, and costs next to nothing if there are no bans.
//
// The package decides nothing else: package state stores a list, and ends the clients.
package ban

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddycast/caddycast/caddymodule/access"
	"github.com/caddycast/caddycast/streaming/icy"
)

// Kind is what the value of a ban is.
type Kind string

// The kinds of bans.
const (
	Address Kind = "address"
	Network Kind = "network"
	Agent   Kind = "agent" // a pattern; see access.NewAgents. It is for listeners only
	User    Kind = "user"
)

// Kinds are all kinds.
var Kinds = []Kind{Address, Network, Agent, User}

const (
	// MaxText is the most bytes of a value and of a reason.
	MaxText = 300

	// MaxTime is the longest time of a ban that ends.
	MaxTime = 10 * 365 * 24 * time.Hour

	// removedTime is how long a ban that is taken back stays known, so that a node that was away does not
	// bring it back.
	removedTime = 30 * 24 * time.Hour

	// clockSkew is how much the clocks of two nodes may differ.
	clockSkew = 5 * time.Minute
)

// Ban keeps some clients out. It does not change.
type Ban struct {
	ID     string    `json:"id"` // made of kind and value
	Kind   Kind      `json:"kind"`
	Value  string    `json:"value"`
	At     time.Time `json:"at"` // of the last change
	Until  time.Time `json:"until,omitzero"`
	By     string    `json:"by,omitempty"`
	From   string    `json:"from,omitempty"` // address of who gave it
	Reason string    `json:"reason,omitempty"`

	Removed bool `json:"removed,omitempty"` // it is taken back
}

// Parse returns a ban for some clients. The value is brought into the form in which bans are compared.
func Parse(kind Kind, value string) (Ban, error) {
	canonical, err := canonicalOf(kind, value)
	if err != nil {
		return Ban{}, err
	}
	return Ban{ID: idOf(kind, canonical), Kind: kind, Value: canonical}, nil
}

func canonicalOf(kind Kind, value string) (string, error) {
	if value == "" || len(value) > MaxText || !isText(value) {
		return "", fmt.Errorf("%s: invalid value %.100q; expected one to %d bytes of printable text", kind, value, MaxText)
	}
	switch kind {
	case Address:
		ip, err := netip.ParseAddr(value)
		if err != nil {
			return "", fmt.Errorf("address: invalid address %.100q; expected one such as 192.0.2.7", value)
		}
		return ip.Unmap().WithZone("").String(), nil
	case Network:
		p, err := access.ParseNetwork(value)
		if err != nil {
			return "", fmt.Errorf("network: %w", err)
		}
		return p.String(), nil
	case Agent:
		return strings.ToLower(value), nil
	case User:
		return value, nil
	}
	return "", fmt.Errorf("unknown kind %.20q; expected address, network, agent or user", kind)
}

// isText reports whether a text is what clients may have sent as their names.
func isText(text string) bool { return utf8.ValidString(text) && icy.Clean(text) == text }

// idOf returns the id of a ban. Who is banned twice has one ban.
func idOf(kind Kind, value string) string {
	sum := sha256.Sum256([]byte(string(kind) + "\x00" + value))
	return hex.EncodeToString(sum[:8])
}

// prefix returns the network of a ban of an address or a network.
func (b *Ban) prefix() (netip.Prefix, bool) {
	if b.Kind != Address && b.Kind != Network {
		return netip.Prefix{}, false
	}
	p, err := access.ParseNetwork(b.Value)
	return p, err == nil
}

// IsInForce reports whether the ban keeps clients out at a time.
func (b *Ban) IsInForce(now time.Time) bool {
	return !b.Removed && (b.Until.IsZero() || now.Before(b.Until))
}

// forgottenAt returns when nothing need be known of the ban any more; zero: never.
func (b *Ban) forgottenAt() time.Time {
	if !b.Removed {
		return b.Until
	}
	end := b.At.Add(removedTime)
	if !b.Until.IsZero() && b.Until.Before(end) {
		return b.Until
	}
	return end
}

// isKnown reports whether the ban, in force or taken back, is of interest at a time.
func (b *Ban) isKnown(at time.Time) bool {
	end := b.forgottenAt()
	return end.IsZero() || at.Before(end)
}

var errNotOurs = errors.New("ban: out of range; expected one of a node")

// check returns an error for a ban that no node makes.
func (b *Ban) check(now time.Time) error {
	canonical, err := canonicalOf(b.Kind, b.Value)
	switch {
	case err != nil:
		return fmt.Errorf("ban: %w", err)
	case canonical != b.Value || b.ID != idOf(b.Kind, b.Value):
		return errNotOurs
	case slices.ContainsFunc([]string{b.By, b.From, b.Reason}, func(s string) bool { return len(s) > MaxText || !isText(s) }):
		return errNotOurs
	case b.At.After(now.Add(clockSkew)) || b.At.Year() < 2000:
		return fmt.Errorf("ban: given at %s; expected clocks that agree", b.At)
	case b.Until.After(now.Add(MaxTime + clockSkew)):
		return errNotOurs
	}
	return nil
}

// entry is a ban of a list.
type entry struct {
	Ban
	text string // as JSON
	sum  uint64 // of text
}

func newEntry(b Ban) (*entry, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("ban: %w", err)
	}
	sum := sha256.Sum256(text)
	return &entry{b, string(text), binary.BigEndian.Uint64(sum[:])}, nil
}

// replaces reports whether the entry is a later one than another of the same id.
func (e *entry) replaces(o *entry) bool {
	if !e.At.Equal(o.At) {
		return e.At.After(o.At)
	}
	if e.Removed != o.Removed {
		return e.Removed
	}
	return e.text > o.text
}
