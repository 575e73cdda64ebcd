package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// manageAuth tells who may listen to a mount, and adds or deletes one, as Icecast does.
func (c *Commands) manageAuth(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	manager, ok := c.station.Gate.Module(q.Get("mount")).(auth.UserManager)
	if !ok {
		return response.Refuse(http.StatusBadRequest, "The mount has no users: write auth htpasswd into it")
	}
	said, err := changeUsers(manager, q.Get("action"), q.Get("username"), q.Get("password"))
	if errors.Is(err, errMissing) {
		return response.Refuse(http.StatusBadRequest, "Missing parameter: username or password")
	}
	if err != nil {
		c.station.Logger().Error("the users of a mount can't be changed", zap.String("mount", q.Get("mount")), zap.Error(err))
	}
	users, err := manager.Users()
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
func changeUsers(m auth.UserManager, action, user, password string) (said string, err error) {
	switch {
	case action != "add" && action != "delete": // it is a list that is asked for
		return "", nil
	case user == "" || action == "add" && password == "":
		return "", errMissing
	case action == "delete":
		if err = m.RemoveUser(user); err != nil {
			return "User delete failed: " + reasonOf(err), notTheirs(err)
		}
		return "User deleted", nil
	}
	switch err = m.AddUser(user, password); {
	case errors.Is(err, auth.ErrUserExists):
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
	for _, theirs := range []error{auth.ErrInvalidUser, auth.ErrInvalidPassword, auth.ErrUnknownUser} {
		if errors.Is(err, theirs) {
			return nil
		}
	}
	return err
}
