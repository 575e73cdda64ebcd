package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A page token shows that a request comes from a page of the station: pages of other sites cannot
// read it. It is no login. It has the time at which it was made, a nonce, and their MAC with the
// fingerprint of the administrator's credential, so that a changed password ends it. The server
// keeps no table of tokens.
const (
	// pageTokenTime is how long a page token is valid.
	pageTokenTime = 12 * time.Hour

	pageTokenNonce = 16 // bytes
	pageTokenHead  = 8 + pageTokenNonce
	pageTokenSize  = pageTokenHead + sha256.Size
)

// pageTokenKey is made when the process begins. Tokens of an earlier process are invalid.
var pageTokenKey = func() (key [sha256.Size]byte) {
	_, _ = rand.Read(key[:]) // never fails
	return key
}()

// NewPageToken makes a token for a page of the user with this credential.
func (v *Verifier) NewPageToken() string {
	token := make([]byte, pageTokenHead, pageTokenSize)
	binary.BigEndian.PutUint64(token, uint64(time.Now().Unix()))
	_, _ = rand.Read(token[8:]) // never fails
	return base64.RawURLEncoding.EncodeToString(v.appendPageMAC(token))
}

// IsPageToken reports whether a text is a valid page token. The time it takes reveals nothing of
// the right one.
func (v *Verifier) IsPageToken(text string) bool {
	if v == nil || len(text) != base64.RawURLEncoding.EncodedLen(pageTokenSize) {
		return false
	}
	token, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	head := token[:pageTokenHead:pageTokenHead]
	if !hmac.Equal(token, v.appendPageMAC(head)) {
		return false
	}
	age := time.Since(time.Unix(int64(binary.BigEndian.Uint64(head)), 0))
	return age < pageTokenTime
}

// appendPageMAC appends the MAC of a token to the rest of it.
func (v *Verifier) appendPageMAC(token []byte) []byte {
	mac := hmac.New(sha256.New, pageTokenKey[:])
	mac.Write(token) // of a fixed length, so that no other pair has the same bytes
	mac.Write([]byte(v.fingerprint()))
	return mac.Sum(token)
}
