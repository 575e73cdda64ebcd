package icecastxml

import (
	"slices"
	"strings"
)

// role reads a <role> of 2.5 for the whole server.
func (r *reader) role(e *element, c *config) {
	kind := e.attr("type")
	methods := e.attr("allow-method") + "," + e.attr("match-method")
	admin := e.attr("allow-admin")
	e.attr("name")
	e.attr("match-method")
	switch kind {
	case "anonymous":
		if !c.anonymousAllowed && appliesTo(e, "get") && deniesListening(e) {
			r.errorf(e, "denying anonymous listeners for the whole server is not supported; expected listener authentication in a <mount>, or in one with type=\"default\", or no such role if everybody may listen")
		}
		c.anonymousAllowed = c.anonymousAllowed || appliesTo(e, "get")
		r.anonymousRole(e)
		return
	case "static", "legacy-password":
	default:
		if !c.anonymousAllowed && appliesTo(e, "get") && e.attr("match-admin") == "" { // everybody could listen to all mounts
			r.errorf(e, "type %q is not supported for the whole server; expected it in a <mount>, or in one with type=\"default\"", kind)
			e.markKnown()
			return
		}
		r.notef(e, "ignored; type %q is not supported for the whole server. Use it in a <mount>", kind)
		e.markKnown()
		return
	}
	user, password := r.credentials(e)
	if password == "" {
		return
	}
	u, p := setting[string]{user, e.line}, setting[string]{password, e.line}
	switch {
	case admin == "*":
		c.admin = login{u, p}
	case strings.Contains(admin, "streamlist"):
		c.relay = login{u, p}
	case strings.Contains(methods, "source") || strings.Contains(methods, "put"):
		c.source = p
		if user != "source" {
			r.notef(e, "the user of the whole server is \"source\", not %q; for other users set <username> in the <mount>", user)
		}
	default:
		r.notef(e, "ignored; supported roles allow the methods source or put, allow-admin=\"*\", or allow-admin=\"streamlist.txt\"")
		e.markKnown()
	}
}

// credentials reads the options of a role with one user.
func (r *reader) credentials(e *element) (user, password string) {
	user = "source"
	r.readOptions(e, map[string]func(*element, string){
		"username": func(_ *element, v string) { user = v },
		"password": func(_ *element, v string) { password = v },
	})
	if password == "" {
		r.errorf(e, "no password; expected <option name=\"password\" value=\"…\"/>")
	}
	return user, password
}

// notePermissions notes the attributes of a role of 2.5 for which there is nothing here.
func (r *reader) notePermissions(role *element) {
	for i := range role.attrs {
		a := &role.attrs[i]
		if a.known || !slices.Contains(permissions, a.name) {
			continue
		}
		a.known = true
		r.notef(role, "%s is ignored; what a credential may do does not depend on its role", a.name)
	}
}

// permissions are attributes of roles.
var permissions = []string{
	"allow-web", "deny-web", "match-web", "allow-admin", "deny-admin", "match-admin", "deny-method", "deny-all", "allow-all",
	"match-origin", "method", "may-alter", "on-deny", "connections-per-user", "connection-duration",
}

// anonymousRole reads a role of anonymous clients, which are always allowed.
func (r *reader) anonymousRole(e *element) {
	for _, a := range e.attrs {
		if strings.HasPrefix(a.name, "deny-") || a.name == "connection-duration" {
			r.notef(e, "%s is ignored; everybody may use public resources", a.name)
		}
	}
	e.markKnown()
}
