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

// manageAuth lists the users of a mount, and adds or deletes one, as Icecast does.
func (c *Commands) manageAuth(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	manager, ok := c.station.Gate.Module(q.Get("mount")).(auth.UserManager)
	if !ok {
		return response.Refuse(http.StatusBadRequest, "The mount has no users; expected auth htpasswd in its block")
	}
	message, err := changeUsers(manager, q.Get("action"), q.Get("username"), q.Get("password"))
	if errors.Is(err, errMissing) {
		return response.Refuse(http.StatusBadRequest, "Missing parameter: username or password")
	}
	if err != nil {
		c.station.Logger().Error("changing the users of a mount failed", zap.String("mount", q.Get("mount")), zap.Error(err))
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
	if message != "" {
		e.children = append(e.children, el("iceresponse", leaf("message", message)))
	}
	return answerElement(w, r, e)
}

var errMissing = errors.New("missing parameter")

// changeUsers executes an action and returns Icecast's message for it.
func changeUsers(m auth.UserManager, action, user, password string) (message string, err error) {
	switch {
	case action != "add" && action != "delete": // only the list is requested
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

// reasonOf returns the text of an error for the client. It does not show the server's files.
func reasonOf(err error) string {
	if notTheirs(err) != nil {
		return "see the log"
	}
	return err.Error()
}

// notTheirs returns the error, unless the request caused it.
func notTheirs(err error) error {
	for _, theirs := range []error{auth.ErrInvalidUser, auth.ErrInvalidPassword, auth.ErrUnknownUser} {
		if errors.Is(err, theirs) {
			return nil
		}
	}
	return err
}
