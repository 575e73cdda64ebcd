package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	lru "github.com/hashicorp/golang-lru/v2"
)

// memory remembers which passwords have matched which slow hashes, so that the next login need
// not wait. It outlives configurations: what it knows is true as long as the hash is the same.
// It has digests with a key that is made when the process begins, and no password. Its methods
// may be called from any goroutine.
type memory struct {
	key   [sha256.Size]byte
	known *lru.Cache[digest, struct{}]
}

// digest is that of a hash and a password.
type digest [sha256.Size]byte

// The number of passwords that are remembered: of sources, administrators and slaves, and of
// listeners.
const maxKnownOperators, maxKnownListeners = 4 << 10, 32 << 10

// Listeners have a memory of their own, so that many of them push out no source.
var (
	operatorMemory = newMemory(maxKnownOperators)
	listenerMemory = newMemory(maxKnownListeners)
)

func newMemory(size int) *memory {
	known, err := lru.New[digest, struct{}](size)
	if err != nil {
		panic(err) // only for a size below one
	}
	m := &memory{known: known}
	_, _ = rand.Read(m.key[:]) // never fails
	return m
}

// has reports whether a password has matched a hash. An observer of its time learns nothing,
// since the key is unknown.
func (m *memory) has(hash, password string) bool {
	_, ok := m.known.Get(m.digest(hash, password))
	return ok
}

// learn remembers that a password has matched a hash.
func (m *memory) learn(hash, password string) { m.known.Add(m.digest(hash, password), struct{}{}) }

func (m *memory) digest(hash, password string) (d digest) {
	mac := hmac.New(sha256.New, m.key[:])
	mac.Write([]byte(hash))
	fixed := sha256.Sum256([]byte(password)) // of a fixed length, so that no other pair has the same bytes
	mac.Write(fixed[:])
	mac.Sum(d[:0])
	return d
}
