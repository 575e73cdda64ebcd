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

// UserManager is implemented by a module whose users an administrator may change.
type UserManager interface {
	// Users returns the names of the users, sorted.
	Users() ([]string, error)

	// AddUser adds a user. Of a user who exists, nothing changes and the error is
	// htpasswd.ErrExists.
	AddUser(user, password string) error

	// RemoveUser removes a user.
	RemoveUser(user string) error
}

// editing is held while a file of users is rewritten: several mounts may have the same.
var editing sync.Mutex

func (a *Htpasswd) Users() ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.known)), nil
}

func (a *Htpasswd) AddUser(user, password string) error {
	return a.edit(func(text []byte) ([]byte, error) { return htpasswd.Add(text, user, password) })
}

func (a *Htpasswd) RemoveUser(user string) error {
	return a.edit(func(text []byte) ([]byte, error) { return htpasswd.Remove(text, user) })
}

// edit rewrites the file: another one takes its place, so that who reads it finds the old
// or the new.
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
		if text, info, err = readUsers(file); err != nil {
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
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.read()
}

// replaceFile puts a text in the place of a file's.
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
