package origin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// The id of a session is the base64 of
//
//	 0  random bytes
//	 8  when it expires, in seconds since 1970, 4 bytes, big endian
//	12  the beginning of the HMAC-SHA256 of the mount and these 12 bytes
//
// so that a server that does not know the session, such as another of the station, or the same
// after a restart, sees that it was admitted.
const (
	idRandom = 8
	idSigned = idRandom + 4
	idSize   = idSigned + 12
)

// idTime is how long an id is valid that no limit makes shorter.
const idTime = 7 * 24 * time.Hour

// NewID returns the id of a session of a mount. It is valid for a time, 0 for the longest.
func (m *Manager) NewID(mount string, valid time.Duration) string {
	if valid <= 0 || valid > idTime {
		valid = idTime
	}
	id := make([]byte, idSigned, idSize)
	_, _ = rand.Read(id[:idRandom]) // never fails
	binary.BigEndian.PutUint32(id[idRandom:], uint32(time.Now().Add(valid).Unix()))
	return base64.RawURLEncoding.EncodeToString(m.sign(id, mount))
}

// IsID reports whether an id of this mount is valid.
func (m *Manager) IsID(mount, text string) bool {
	id, ok := decodeID(text)
	if !ok || !hmac.Equal(id, m.sign(id[:idSigned:idSigned], mount)) {
		return false
	}
	return time.Now().Unix() < int64(binary.BigEndian.Uint32(id[idRandom:]))
}

// IsWellFormed reports whether a text looks like an id, which may be that of another node.
func IsWellFormed(text string) bool {
	_, ok := decodeID(text)
	return ok
}

// decodeID decodes an id. Of its texts only one is valid: base64 with line breaks among it would name
// another session.
func decodeID(text string) (id []byte, ok bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(idSize) {
		return nil, false
	}
	id, err := base64.RawURLEncoding.DecodeString(text)
	return id, err == nil && len(id) == idSize
}

// sign appends the signature.
func (m *Manager) sign(id []byte, mount string) []byte {
	mac := hmac.New(sha256.New, m.key())
	mac.Write(id) // of a fixed length
	mac.Write([]byte(mount))
	sum := mac.Sum(nil)
	return append(id, sum[:idSize-idSigned]...)
}
