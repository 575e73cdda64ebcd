package relay

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
)

// NodePath is where a slave proves that its public URL leads to it.
const NodePath = "/admin/node"

// The purposes of an authentication code, so that none serves for the other.
const (
	purposeChallenge = "challenge"
	purposeProof     = "proof"
)

// nonceSize is the size of a nonce in hexadecimal digits.
const nonceSize = 32

// ProofKey returns the key of proofs by the password with which a slave logs in.
func ProofKey(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return sum[:]
}

// authenticationCode returns the code that only a node with the key can make.
func authenticationCode(key []byte, purpose, nonce, id string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("caddycast " + purpose + "\n" + nonce + "\n" + id)) // neither has a line end
	return hex.EncodeToString(mac.Sum(nil))
}

// newChallenge returns the query for a slave, and the proof that is expected. The query has a
// code of its own: an answer to anybody could be used to guess the password.
func newChallenge(key []byte, id string) (q url.Values, proof string) {
	var random [nonceSize / 2]byte
	_, _ = rand.Read(random[:]) // it never fails
	nonce := hex.EncodeToString(random[:])
	q = url.Values{"id": {id}, "nonce": {nonce}, "code": {authenticationCode(key, purposeChallenge, nonce, id)}}
	return q, authenticationCode(key, purposeProof, nonce, id)
}

// Prove returns the proof of the node with an id for the challenge of a master. It reports
// false for a challenge that was not made with the password for this node.
func Prove(password, id string, q url.Values) (proof string, ok bool) {
	nonce := q.Get("nonce")
	if password == "" || q.Get("id") != id || len(nonce) != nonceSize {
		return "", false
	}
	key := ProofKey(password)
	if !hmac.Equal([]byte(q.Get("code")), []byte(authenticationCode(key, purposeChallenge, nonce, id))) {
		return "", false
	}
	return authenticationCode(key, purposeProof, nonce, id), true
}
