// Package htpasswd reads and edits files of users and hashed passwords, in the formats of
// Apache's htpasswd and of Icecast: bcrypt (htpasswd -B), apr1 (-m), SHA-1 (-s), and
// Icecast's MD5 in hexadecimal. All functions are pure: they do no I/O and keep no state,
// so any goroutine may call them.
//
// github.com/tg123/go-htpasswd does not replace it: that package has no decoy for unknown
// users, so its response time reveals names; it accepts bcrypt costs that take minutes, lets
// the last of duplicate lines win, has hashes in its errors, and lacks Icecast's MD5.
package htpasswd

import (
	"crypto/md5"  //nolint:gosec // a format of these files
	"crypto/sha1" //nolint:gosec // a format of these files
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

const (
	// MaxSize is the maximum length of a file in bytes.
	MaxSize = 16 << 20
	// maxCost is the maximum cost of bcrypt; above it a comparison takes seconds.
	maxCost = 14
)

// Users maps users to hashes.
type Users map[string]string

// Parse reads a file. A line is user:hash; fields after the hash are ignored, and so are
// empty lines and lines that begin with #. The first of several lines of a user counts.
// Lines with an unsupported hash are skipped; unsupported holds their numbers. It is an
// error if these are the only lines.
func Parse(text []byte) (users Users, unsupported []int, err error) {
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
			return nil, nil, fmt.Errorf("line %d: not a user; expected user:hash, %s", n, kinds)
		}
		if !supported(hash) {
			unsupported = append(unsupported, n)
		} else if _, twice := users[user]; !twice {
			users[user] = hash
		}
	}
	if len(users) == 0 && len(unsupported) > 0 {
		return nil, nil, fmt.Errorf("line %d: unsupported hash; expected user:hash, %s", unsupported[0], kinds)
	}
	return users, unsupported, nil
}

// byteOrderMark precedes the first line in files of some editors.
const byteOrderMark = "\ufeff"

const kinds = "with a hash of htpasswd -B, -m or -s, or Icecast's MD5 in hexadecimal"

// Decoy returns the slowest hash of the file. Comparing it for unknown users takes as long
// as for known ones, so the response time does not reveal names. It is empty if no hash is
// slow.
func (u Users) Decoy() string {
	decoy, most := "", 0
	for _, hash := range u {
		if cost, err := bcrypt.Cost([]byte(hash)); IsSlow(hash) && err == nil && cost > most {
			decoy, most = hash, cost
		}
	}
	return decoy
}

// supported reports whether Matches can compare a hash.
func supported(hash string) bool {
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

// IsSlow reports whether a comparison with a hash takes a noticeable time.
func IsSlow(hash string) bool { return isBcrypt(hash) }

// Matches reports whether a hash belongs to a password. Hashes are compared in constant
// time.
func Matches(hash, password string) bool {
	switch {
	case isBcrypt(hash):
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	case strings.HasPrefix(hash, apr1Magic):
		salt, _, _ := strings.Cut(hash[len(apr1Magic):], "$")
		return equal(apr1(password, salt), hash)
	case strings.HasPrefix(hash, shaMagic):
		sum := sha1.Sum([]byte(password)) //nolint:gosec // a format of these files
		return equal(shaMagic+base64.StdEncoding.EncodeToString(sum[:]), hash)
	}
	sum := md5.Sum([]byte(password)) //nolint:gosec // a format of these files
	return equal(hex.EncodeToString(sum[:]), strings.ToLower(hash))
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
