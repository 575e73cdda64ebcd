package cluster

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddycast/caddycast/streaming/relay"
)

const (
	maxMessage  = 4 << 20 // bytes
	maxStreams  = 10000   // of one node
	maxInternal = 8
	maxText     = 255 // bytes of a name

	maxTakeovers = 1 << 30

	// MaxPriority is the highest priority of a node.
	MaxPriority = 1000
	proofSize   = 32
)

// maxAge is how old a message may be, or how far in the future, by the clock of its sender.
const maxAge = 5 * time.Minute

// Message is what a node announces.
type Message struct {
	// Key is the public key of the node, of which its id is made.
	Key ed25519.PublicKey `json:"key"`

	// At is when the message was made, in Unix milliseconds.
	At int64 `json:"at"`

	// Report is the load of the node, as a slave reports it. Its Seq numbers the messages, and
	// its Partial says that the message has only what has changed.
	Report relay.Report `json:"report"`

	Host     string   `json:"host,omitempty"`     // name of the server, for people
	Internal []string `json:"internal,omitempty"` // base URLs for other nodes
	Proof    []byte   `json:"proof,omitempty"`    // key of the proofs of its public URLs

	// HandedOver says of a node that leaves that another process has its listeners, which count until
	// that is known.
	HandedOver bool `json:"handed_over,omitempty"`

	// Streams are the streams that the node has, by their mounts. In a partial message these
	// are the changed ones; null stands for one that has ended.
	Streams map[string]*Stream `json:"streams,omitempty"`
}

// Stream is a stream that a node has, of a source of its own or from another node.
type Stream struct {
	Type string `json:"type"` // media type

	// Local reports whether the source is at this node. The fields below are those of its
	// source.
	Local     bool   `json:"local,omitempty"`
	User      string `json:"user,omitempty"`
	Since     int64  `json:"since,omitempty"`     // Unix milliseconds
	Takeovers int    `json:"takeovers,omitempty"` // how often the mount was taken over from another node
	Priority  int    `json:"priority,omitempty"`  // that of the node; the higher one has the mount

	Protections []relay.Protection `json:"protections,omitempty"`

	Pulls int `json:"pulls,omitempty"` // nodes that pull the stream from this one
	Hops  int `json:"hops,omitempty"`  // from the node with the source to this one
}

// encode returns the payload of a message: the signature, and the message as JSON.
func (m *Message) encode(by *Identity) ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return append(ed25519.Sign(by.key, text), text...), nil
}

// Decode returns the message of a payload whose signature is that of the node that it names.
func Decode(payload []byte, now time.Time) (*Message, error) {
	if len(payload) > maxMessage || len(payload) < ed25519.SignatureSize {
		return nil, fmt.Errorf("message: %d bytes; expected %d to %d", len(payload), ed25519.SignatureSize, maxMessage)
	}
	signature, text := payload[:ed25519.SignatureSize], payload[ed25519.SignatureSize:]
	var m struct {
		Message
		Report json.RawMessage `json:"report"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	if len(m.Key) != ed25519.PublicKeySize || !ed25519.Verify(m.Key, text, signature) {
		return nil, errors.New("message: wrong signature; expected that of its key")
	}
	var err error
	if m.Message.Report, err = relay.ReadReport(bytes.NewReader(m.Report)); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	return &m.Message, m.check(now)
}

// check returns an error for a message that no node sends.
func (m *Message) check(now time.Time) error {
	switch age := now.Sub(time.UnixMilli(m.At)); {
	case m.Report.ID != idOf(m.Key):
		return fmt.Errorf("message: id %.40q is not that of the key; expected %s", m.Report.ID, idOf(m.Key))
	case m.Report.Seq == 0:
		return errors.New("message: no number; expected one")
	case age > maxAge || age < -maxAge:
		return fmt.Errorf("message: %s old by the clock of its node; expected clocks that agree", age.Round(time.Second))
	case len(m.Streams) > maxStreams:
		return fmt.Errorf("message: %d streams; expected at most %d", len(m.Streams), maxStreams)
	case len(m.Internal) > maxInternal || len(m.Host) > maxText || len(m.Proof) > proofSize:
		return errors.New("message: addresses or names too long; expected those of a node")
	}
	for i, base := range m.Internal {
		base, err := relay.ParseBaseURL(base)
		if err != nil {
			return fmt.Errorf("message: internal: %w", err)
		}
		m.Internal[i] = base
	}
	for mount, s := range m.Streams {
		if err := s.check(mount); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stream) check(mount string) error {
	if !relay.IsMount(mount) {
		return fmt.Errorf("message: %.100q is no mount; expected a path", mount)
	}
	if s != nil && (len(s.Type) > maxText || len(s.User) > maxText || s.Since < 0 || s.Pulls < 0 || s.Hops < 0 ||
		s.Takeovers < 0 || s.Takeovers > maxTakeovers || s.Priority < 0 || s.Priority > MaxPriority ||
		len(s.Protections) > 8 || slices.ContainsFunc(s.Protections, func(p relay.Protection) bool { return !p.IsKnown() })) {
		return fmt.Errorf("message: %.100q: a stream out of range; expected one of a node", mount)
	}
	return nil
}

// Equal reports whether two streams are the same, whoever pulls them.
func (s *Stream) Equal(o *Stream) bool {
	return s.Type == o.Type && s.Local == o.Local && s.User == o.User && s.Since == o.Since && s.Hops == o.Hops &&
		s.Takeovers == o.Takeovers && s.Priority == o.Priority && slices.Equal(s.Protections, o.Protections)
}
