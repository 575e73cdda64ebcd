package auth

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/caddycast/caddycast/internal/htpasswd"
)

// UserManager is implemented by a Module whose users an administrator may list and change by
// Icecast's commands. Its methods are called from any goroutine, and may block.
type UserManager interface {
	// Users returns the names of the users, sorted.
	Users() ([]string, error)

	// AddUser adds a user. If the user exists, nothing changes and the error is
	// ErrUserExists; if the name or the password cannot be stored, it is ErrInvalidUser or
	// ErrInvalidPassword.
	AddUser(user, password string) error

	// RemoveUser removes a user. If there is no such user, the error is ErrUnknownUser.
	RemoveUser(user string) error
}

// The errors of a UserManager that the administrator sees. All others are only logged.
var (
	ErrUserExists      = htpasswd.ErrExists
	ErrUnknownUser     = htpasswd.ErrNoUser
	ErrInvalidUser     = htpasswd.ErrBadName
	ErrInvalidPassword = htpasswd.ErrPassword
)

// editing is held while a file of users is rewritten: several mounts may have the same file.
var editing sync.Mutex

// Users implements UserManager.
func (a *Htpasswd) Users() ([]string, error) {
	return slices.Sorted(maps.Keys(a.users.Get().users)), nil
}

// AddUser implements UserManager.
func (a *Htpasswd) AddUser(user, password string) error {
	return a.edit(func(text []byte) ([]byte, error) { return htpasswd.Add(text, user, password) })
}

// RemoveUser implements UserManager.
func (a *Htpasswd) RemoveUser(user string) error {
	return a.edit(func(text []byte) ([]byte, error) { return htpasswd.Remove(text, user) })
}

// edit replaces the file by a changed one, so that every reader finds the old text or the
// new one.
func (a *Htpasswd) edit(change func([]byte) ([]byte, error)) error {
	editing.Lock()
	defer editing.Unlock()
	file, err := filepath.EvalSymlinks(a.File)
	var text []byte
	mode := os.FileMode(0o600)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		file = a.File // it is made
	case err != nil:
		return err
	default:
		var info os.FileInfo
		if text, info, err = readUserFile(file); err != nil {
			return err
		}
		mode = info.Mode().Perm()
	}
	if text, err = change(text); err != nil {
		return err
	}
	if err := replaceFile(file, text, mode); err != nil {
		return err
	}
	return a.users.Refresh()
}

// replaceFile puts a file with a text in the place of another.
func replaceFile(name string, text []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // if it is still there
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
