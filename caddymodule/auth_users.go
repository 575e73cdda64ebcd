package caddymodule

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/internal/htpasswd"
	"go.uber.org/zap"
)

// userManager is a module of icecast.auth whose users an administrator may change.
type userManager interface {
	users() ([]string, error) // sorted
	addUser(user, password string) error
	removeUser(user string) error
}

// manageAuth tells who may listen to a mount, and adds or deletes one, as Icecast does.
func (h *Handler) manageAuth(w http.ResponseWriter, r *http.Request, q url.Values) error {
	manager, ok := h.station.auth(q.Get("mount")).(userManager)
	if !ok {
		return response.Refuse(w, r, http.StatusBadRequest, "The mount has no users: write auth htpasswd into it")
	}
	said, err := changeUsers(manager, q.Get("action"), q.Get("username"), q.Get("password"))
	if errors.Is(err, errMissing) {
		return response.Refuse(w, r, http.StatusBadRequest, "Missing parameter: username or password")
	}
	if err != nil {
		h.station.live.logger().Error("the users of a mount can't be changed", zap.String("mount", q.Get("mount")), zap.Error(err))
	}
	users, err := manager.users()
	if err != nil {
		return fmt.Errorf("manageauth: %w", err)
	}
	source := element{name: "source", mount: q.Get("mount"), children: []element{}}
	for _, u := range users {
		source.children = append(source.children, el("User", leaf("username", u)))
	}
	e := el("icestats", source)
	if said != "" {
		e.children = append(e.children, el("iceresponse", leaf("message", said)))
	}
	return answerElement(w, r, e)
}

var errMissing = errors.New("missing parameter")

// changeUsers does what an action says, and returns what Icecast says of that.
func changeUsers(m userManager, action, user, password string) (said string, err error) {
	switch {
	case action != "add" && action != "delete": // it is a list that is asked for
		return "", nil
	case user == "" || action == "add" && password == "":
		return "", errMissing
	case action == "delete":
		if err = m.removeUser(user); err != nil {
			return "User delete failed: " + reasonOf(err), notTheirs(err)
		}
		return "User deleted", nil
	}
	switch err = m.addUser(user, password); {
	case errors.Is(err, htpasswd.ErrExists):
		return "User already exists - not added", nil
	case err != nil:
		return "User add failed: " + reasonOf(err), notTheirs(err)
	}
	return "User added", nil
}

// reasonOf is what whoever asked is told of an error: not what the server's files are.
func reasonOf(err error) string {
	if notTheirs(err) != nil {
		return "the log tells why"
	}
	return err.Error()
}

// notTheirs returns the error, unless it is about what was asked.
func notTheirs(err error) error {
	for _, theirs := range []error{htpasswd.ErrBadName, htpasswd.ErrPassword, htpasswd.ErrNoUser} {
		if errors.Is(err, theirs) {
			return nil
		}
	}
	return err
}

// editing is held while a file of users is rewritten: several mounts may have the same.
var editing sync.Mutex

func (a *HtpasswdAuth) users() ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.known)), nil
}

func (a *HtpasswdAuth) addUser(user, password string) error {
	return a.edit(func(text []byte) ([]byte, error) { return htpasswd.Add(text, user, password) })
}

func (a *HtpasswdAuth) removeUser(user string) error {
	return a.edit(func(text []byte) ([]byte, error) { return htpasswd.Remove(text, user) })
}

// edit rewrites the file: another one takes its place, so that who reads it finds the old
// or the new.
func (a *HtpasswdAuth) edit(change func([]byte) ([]byte, error)) error {
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
