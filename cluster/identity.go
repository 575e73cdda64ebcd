package cluster

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// idSize is the length of the id of a node, in bytes of the hash of its key.
const idSize = 10

// Identity is what a node proves itself by. Each start of a node makes another one.
type Identity struct {
	ID string // of the node

	// Secret is the password of its proofs: a request over a public URL of the node reaches
	// this one, and no other. See relay.Prove.
	Secret string

	key ed25519.PrivateKey
}

// NewIdentity returns a new identity.
func NewIdentity() *Identity {
	public, private, _ := ed25519.GenerateKey(nil) // it never fails
	return &Identity{ID: idOf(public), Secret: rand.Text(), key: private}
}

func (i *Identity) public() ed25519.PublicKey { return i.key.Public().(ed25519.PublicKey) }

// idOf returns the id of the node with a key.
func idOf(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:idSize])
}
