package relay

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// PathHeader is a field with the ids of nodes, the sender's first: in a request those that
// the stream is for, in an answer those that it came through. A node that finds its own id
// there would be fed with its own stream.
const PathHeader = "Relay-Path"

const (
	maxPath = 16 // nodes
	maxID   = 64 // bytes
)

// ErrLoop reports that a mount would be fed with its own stream.
var ErrLoop = errors.New("relay loop: the stream comes from this node; point one of the relays at the mount's source")

// newID returns a unique id for this node.
func newID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // it never fails
	return hex.EncodeToString(id[:])
}

// ParsePath returns the ids in the field. Invalid ones are skipped.
func ParsePath(field string) []string {
	var ids []string
	for id := range strings.SplitSeq(field, ",") {
		id = strings.TrimSpace(id)
		if len(ids) < maxPath && isID(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// isID reports whether a text is the id of a node: letters, digits and the separators of
// host names.
func isID(id string) bool {
	plain := func(r rune) bool {
		return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune("-._:", r)
	}
	return id != "" && len(id) <= maxID && strings.IndexFunc(id, func(r rune) bool { return !plain(r) }) < 0
}

// formatPath writes the field.
func formatPath(ids []string) string {
	return strings.Join(ids[:min(len(ids), maxPath)], ", ")
}

// PullsFrom reports whether a node is among the upstreams of the relays.
func (m *Manager) PullsFrom(node string) bool { return node != "" && (*m.nodes.Load())[node] }

// PulledOnlyFrom reports whether a node is the only upstream of a mount that does not play.
// Two nodes that list such a mount for each other would do so for ever.
func (m *Manager) PulledOnlyFrom(mount, node string) bool {
	r := m.relay(mount)
	if r == nil || node == "" || r.source.Load() != nil {
		return false
	}
	return !slices.ContainsFunc(r.settings.Load().Upstreams, func(u Upstream) bool { return u.Node != node })
}

// Hops returns through how many other nodes the stream of a mount comes; 0: through none, or that is not
// known.
func (m *Manager) Hops(mount string) int {
	if r := m.relay(mount); r != nil {
		return len(r.path())
	}
	return 0
}

// AddDownstream notes that the nodes of a request's PathHeader wait for a mount, until
// remove is called. The relay names them to its upstream when it dials.
func (m *Manager) AddDownstream(mount, field string) (remove func()) {
	r, ids := m.relay(mount), ParsePath(field)
	if r == nil || len(ids) == 0 {
		return func() {}
	}
	r.addDownstream(ids, 1)
	return func() { r.addDownstream(ids, -1) }
}

// CheckLoop checks a request for a mount by its PathHeader. It returns the PathHeader of the
// answer, or ErrLoop if the stream comes from one of the requesting nodes.
func (m *Manager) CheckLoop(mount, field string) (string, error) {
	path := []string{m.ID}
	if at := m.station.Mount(mount); at != nil {
		if s := at.Source(); s != nil && s.Upstream == "" {
			return formatPath(path), nil // the stream begins at this node
		}
	}
	if r := m.relay(mount); r != nil {
		path = append(path, r.path()...)
	}
	for _, id := range ParsePath(field) {
		if slices.Contains(path, id) {
			return "", ErrLoop
		}
	}
	return formatPath(path), nil
}
