package htpasswd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// The errors of Add and Remove.
var (
	ErrExists   = errors.New("user exists already")
	ErrNoUser   = errors.New("unknown user")
	ErrBadName  = errors.New("invalid user; expected 1 to 255 bytes without colons and control characters, not starting with # and without spaces around it")
	ErrPassword = errors.New("invalid password; expected 1 to 72 bytes")
)

const (
	maxUser     = 255 // bytes
	maxPassword = 72  // bytes; the limit of bcrypt
)

// Add returns a file's text with another user. The password is hashed by bcrypt.
func Add(text []byte, user, password string) ([]byte, error) {
	control := func(r rune) bool { return r < ' ' || r == 0x7f || r == ':' }
	switch {
	case user == "", len(user) > maxUser, strings.ContainsFunc(user, control), user[0] == '#', strings.TrimSpace(user) != user:
		return nil, ErrBadName
	case password == "", len(password) > maxPassword:
		return nil, ErrPassword
	case slices.ContainsFunc(lines(text), hasUser(user)):
		return nil, ErrExists
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return nil, err
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(slices.Clone(text), '\n')
	}
	return fmt.Appendf(slices.Clone(text), "%s:%s\n", user, hash), nil
}

// Remove returns a file's text without a user.
func Remove(text []byte, user string) ([]byte, error) {
	all := lines(text)
	left := slices.DeleteFunc(slices.Clone(all), hasUser(user))
	if len(left) == len(all) {
		return nil, ErrNoUser
	}
	return []byte(strings.Join(left, "")), nil
}

// lines returns a file's lines with their line ends.
func lines(text []byte) []string { return slices.Collect(strings.Lines(string(text))) }

// hasUser returns a function that reports whether a line belongs to a user.
func hasUser(user string) func(line string) bool {
	return func(line string) bool {
		name, _, ok := strings.Cut(strings.TrimPrefix(line, byteOrderMark), ":")
		return ok && name == user
	}
}
