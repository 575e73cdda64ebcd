package cluster

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// seal returns the payload of a message of a subject: the signature of the node, and the message as
// JSON. The subject is signed, too, so that no message is taken for one of another subject.
func (i *Identity) seal(subject string, message any) ([]byte, error) {
	text, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	return append(ed25519.Sign(i.key, signedMessage(subject, text)), text...), nil
}

func signedMessage(subject string, text []byte) []byte {
	return append([]byte("caddycast "+subject+"\n"), text...)
}

// envelope is what all sealed messages have.
type envelope struct {
	Key ed25519.PublicKey `json:"key"` // of the node
	At  int64             `json:"at"`  // Unix milliseconds
}

// open reads the message of a payload of up to so many bytes into to, which has the fields of an envelope. known
// reports whether a key is that of a node.
func open(payload []byte, subject string, most int, now time.Time, known func(ed25519.PublicKey) bool, to any) error {
	if len(payload) > most || len(payload) < ed25519.SignatureSize {
		return fmt.Errorf("%s: %d bytes; expected %d to %d", subject, len(payload), ed25519.SignatureSize, most)
	}
	signature, text := payload[:ed25519.SignatureSize], payload[ed25519.SignatureSize:]
	var e envelope
	if err := json.Unmarshal(text, &e); err != nil {
		return fmt.Errorf("%s: %w", subject, err)
	}
	age := now.Sub(time.UnixMilli(e.At))
	switch {
	case len(e.Key) != ed25519.PublicKeySize || !ed25519.Verify(e.Key, signedMessage(subject, text), signature):
		return fmt.Errorf("%s: wrong signature; expected that of its key", subject)
	case !known(e.Key):
		return errStranger
	case age > maxAge || age < -maxAge:
		return fmt.Errorf("%s: %s old by the clock of its node; expected clocks that agree", subject, age.Round(time.Second))
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("%s: %w", subject, err)
	}
	return nil
}

// errStranger is the error of a message of a node that is not known yet, or of none.
var errStranger = errors.New("message: of a node that is not known; expected one that has announced itself")

// knows reports whether a key is that of another node, or of this one.
func (n *Node) knows(key ed25519.PublicKey) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.directory.Key(idOf(key)) != nil || key.Equal(n.local.Identity.public())
}
