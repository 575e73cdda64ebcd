// Package htpasswd reads files of users and hashed passwords, as Apache's
// htpasswd and Icecast write them: bcrypt, apr1 (htpasswd -m), SHA (htpasswd -s),
// and Icecast's plain MD5 in hexadecimal.
package htpasswd

import (
	"crypto/md5"  //nolint:gosec // what such files have
	"crypto/sha1" //nolint:gosec // what such files have
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

const (
	// MaxSize is how long a file may be.
	MaxSize = 16 << 20
	// maxCost is the cost of bcrypt beyond which a comparison takes seconds.
	maxCost = 14
)

// Users are the hashes by user.
type Users map[string]string

// Parse reads a file. Empty lines, and those that begin with #, are left out; of a
// user who is there twice the first line counts. Those whose hash is of another kind
// are left out, too: strange are the numbers of their lines. If that leaves nobody, it
// is an error.
func Parse(text []byte) (users Users, strange []int, err error) {
	users = make(Users)
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), byteOrderMark)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		user, hash, ok := strings.Cut(line, ":")
		hash, _, _ = strings.Cut(strings.TrimSpace(hash), ":")
		if !ok || user == "" || hash == "" {
			return nil, nil, fmt.Errorf("line %d: write user:hash, %s", n, kinds)
		}
		if !known(hash) {
			strange = append(strange, n)
		} else if _, twice := users[user]; !twice {
			users[user] = hash
		}
	}
	if len(users) == 0 && len(strange) > 0 {
		return nil, nil, fmt.Errorf("line %d: write user:hash, %s", strange[0], kinds)
	}
	return users, strange, nil
}

// byteOrderMark is what some editors put before the first line.
const byteOrderMark = "\ufeff"

const kinds = "with a hash of htpasswd -B, -m or -s, or of MD5 in hexadecimal as Icecast has it"

// Decoy returns a hash that takes as long as that of any user does, for those whom the
// file does not have. It is empty if none takes long.
func (u Users) Decoy() string {
	decoy, most := "", 0
	for _, hash := range u {
		if cost, err := bcrypt.Cost([]byte(hash)); IsSlow(hash) && err == nil && cost > most {
			decoy, most = hash, cost
		}
	}
	return decoy
}

// known tells whether a hash is of a kind that Matches can compare.
func known(hash string) bool {
	switch {
	case isBcrypt(hash):
		cost, err := bcrypt.Cost([]byte(hash))
		return err == nil && cost <= maxCost
	case strings.HasPrefix(hash, apr1Magic):
		_, sum, ok := strings.Cut(hash[len(apr1Magic):], "$")
		return ok && len(sum) == 22
	case strings.HasPrefix(hash, shaMagic):
		sum, err := base64.StdEncoding.DecodeString(hash[len(shaMagic):])
		return err == nil && len(sum) == sha1.Size
	}
	sum, err := hex.DecodeString(hash)
	return err == nil && len(sum) == md5.Size
}

const (
	apr1Magic = "$apr1$"
	shaMagic  = "{SHA}"
)

func isBcrypt(hash string) bool {
	return strings.HasPrefix(hash, "$2y$") || strings.HasPrefix(hash, "$2a$") || strings.HasPrefix(hash, "$2b$")
}

// IsSlow tells whether comparing with a hash takes a noticeable time.
func IsSlow(hash string) bool { return isBcrypt(hash) }

// Matches tells whether the hash is that of a password.
func Matches(hash, password string) bool {
	switch {
	case isBcrypt(hash):
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	case strings.HasPrefix(hash, apr1Magic):
		salt, _, _ := strings.Cut(hash[len(apr1Magic):], "$")
		return equal(apr1(password, salt), hash)
	case strings.HasPrefix(hash, shaMagic):
		sum := sha1.Sum([]byte(password)) //nolint:gosec // what such files have
		return equal(shaMagic+base64.StdEncoding.EncodeToString(sum[:]), hash)
	}
	sum := md5.Sum([]byte(password)) //nolint:gosec // what such files have
	return equal(hex.EncodeToString(sum[:]), strings.ToLower(hash))
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
