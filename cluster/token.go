package cluster

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// tokenTime is how long a token is valid.
	tokenTime = time.Minute

	// clockSkew is how much the clocks of two nodes may differ.
	clockSkew = time.Minute

	maxToken = 1 << 10 // bytes
)

// A token is the right of one node to pull one mount from another one, for a minute: the id of
// the node that pulls, that of the node it pulls from, the time at which the token ends in Unix
// seconds, and the signature of these and of the mount, with dots between them.

// errToken tells a client nothing about what is wrong.
var errToken = errors.New("token: invalid; expected that of a node of the cluster, for this mount")

// Token returns the token with which this node pulls a mount from another one.
func (i *Identity) Token(mount, from string, now time.Time) string {
	claims := i.ID + "." + from + "." + strconv.FormatInt(now.Add(tokenTime).Unix(), 10)
	return claims + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(i.key, signedToken(claims, mount)))
}

func signedToken(claims, mount string) []byte {
	return []byte("caddycast pull\n" + claims + "\n" + mount)
}

// checkToken returns the node that a token for a mount of this node is from. key returns the
// key of a node, nil if the node is not known.
func checkToken(token, mount, self string, now time.Time, key func(node string) ed25519.PublicKey) (node string, err error) {
	if len(token) > maxToken {
		return "", errToken
	}
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 {
		return "", errToken
	}
	claims, signature := token[:cut], token[cut+1:]
	parts := strings.Split(claims, ".")
	if len(parts) != 3 || parts[1] != self {
		return "", errToken
	}
	ends, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || ends > now.Add(tokenTime+clockSkew).Unix() {
		return "", errToken
	}
	if ends < now.Add(-clockSkew).Unix() {
		return "", fmt.Errorf("token: ended %s ago; expected one of the last minute, and clocks that agree", now.Sub(time.Unix(ends, 0)).Round(time.Second))
	}
	signed, err := base64.RawURLEncoding.DecodeString(signature)
	public := key(parts[0])
	if err != nil || len(public) != ed25519.PublicKeySize || !ed25519.Verify(public, signedToken(claims, mount), signed) {
		return "", errToken
	}
	return parts[0], nil
}
