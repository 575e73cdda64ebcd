package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// manageAuth lists the users of a mount, and adds or deletes one, as Icecast does.
func (c *Commands) manageAuth(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	role, path, err := c.role(q)
	if err != nil {
		return err
	}
	manager, ok := c.station.Gate.Module(path).(auth.UserManager)
	if !ok {
		return response.Refuse(http.StatusBadRequest, "The mount has no users; expected auth htpasswd in its block")
	}
	message, err := changeUsers(manager, q.Get("action"), q.Get("username"), q.Get("password"))
	if errors.Is(err, errMissing) {
		return response.Refuse(http.StatusBadRequest, "Missing parameter: username or password")
	}
	if err != nil {
		c.station.Logger().Error("changing the users of a mount failed", zap.String("mount", path), zap.Error(err))
	}
	users, err := manager.Users()
	if err != nil {
		return fmt.Errorf("manageauth: %w", err)
	}
	e := el("icestats", ofMount(path, userElements("User", users)...))
	if role >= 0 {
		e = el("icestats", c.roleElement(role, el("users", userElements("user", users)...)))
	}
	if message != "" {
		e.children = append(e.children, el("iceresponse", leaf("message", message)))
	}
	return answerElement(w, r, e)
}

// role returns the role and the mount or pattern whose users are meant: by mount, as in Icecast
// 2.4, with role -1; or by id, as in 2.5. The users of a role may be managed while it has no source.
func (c *Commands) role(q url.Values) (role int, path string, err error) {
	if !q.Has("id") {
		return -1, q.Get("mount"), c.checkMount(q)
	}
	roles := c.station.Gate.Roles
	role, err = strconv.Atoi(q.Get("id"))
	switch {
	case err != nil || role < 0 || role >= len(roles):
		return 0, "", response.Refuse(http.StatusNotFound, "Role not found")
	case roles[role] == "":
		return 0, "", response.Refuse(http.StatusBadRequest, "The role has no users; expected that of auth htpasswd")
	}
	return role, roles[role], nil
}

// roles returns the element authentication of Icecast 2.5, with the roles whose users may be
// managed; nothing if there are none.
func (c *Commands) roles() []element {
	e := el("authentication")
	for role, path := range c.station.Gate.Roles {
		if _, ok := c.station.Gate.Module(path).(auth.UserManager); ok && path != "" {
			e.children = append(e.children, c.roleElement(role))
		}
	}
	if len(e.children) == 0 {
		return nil
	}
	return []element{e}
}

// roleElement describes a role whose users may be managed. Its name is the mount or pattern.
func (c *Commands) roleElement(role int, children ...element) element {
	e, id, path := el("role", children...), strconv.Itoa(role), c.station.Gate.Roles[role]
	e.attrs = []attr{
		{"id", id},
		{"type", c.station.Gate.Kind(path)},
		{"name", path},
		{"management-url", mountpath.AdminPrefix + "manageauth.xsl?id=" + id},
		{"can-adduser", "true"},
		{"can-deleteuser", "true"},
		{"can-listuser", "true"},
	}
	return e
}

// userElements returns an element of a name for each user.
func userElements(name string, users []string) (all []element) {
	for _, u := range users {
		all = append(all, el(name, leaf("username", u)))
	}
	return all
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
