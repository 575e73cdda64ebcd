package htpasswd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// What an edit may end with.
var (
	ErrExists   = errors.New("there is such a user already")
	ErrNoUser   = errors.New("there is no such user")
	ErrBadName  = errors.New("a user is of 1 to 255 bytes, without colons and control characters, and does not begin with # or a space")
	ErrPassword = errors.New("a password is of 1 to 72 bytes")
)

// maxUser and maxPassword bound what is added: bcrypt takes no more.
const (
	maxUser     = 255
	maxPassword = 72
)

// Add returns a file's text with one more user, whose password is hashed by bcrypt.
func Add(text []byte, user, password string) ([]byte, error) {
	control := func(r rune) bool { return r < ' ' || r == 0x7f || r == ':' }
	switch {
	case user == "", len(user) > maxUser, strings.ContainsFunc(user, control), user[0] == '#', strings.TrimSpace(user) != user:
		return nil, ErrBadName
	case password == "", len(password) > maxPassword:
		return nil, ErrPassword
	case slices.ContainsFunc(lines(text), isOf(user)):
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
	left := slices.DeleteFunc(slices.Clone(all), isOf(user))
	if len(left) == len(all) {
		return nil, ErrNoUser
	}
	return []byte(strings.Join(left, "")), nil
}

// lines returns a file's lines with their ends.
func lines(text []byte) []string { return slices.Collect(strings.Lines(string(text))) }

// isOf tells of a line whether it is a user's, whatever the hash is.
func isOf(user string) func(line string) bool {
	return func(line string) bool {
		name, _, ok := strings.Cut(strings.TrimPrefix(line, byteOrderMark), ":")
		return ok && name == user
	}
}
