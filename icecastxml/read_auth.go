package icecastxml

import (
	"net/url"
	"slices"
	"strings"
)

// mountAuth reads who may listen to a mount: in 2.4 and KH by the type of
// <authentication>, in 2.5 by roles within it.
func (r *reader) mountAuth(e *element, m *mount) {
	kind := e.attr("type")
	if kind == "" && len(e.children) == 0 {
		r.note(e, "is empty, and as if it were not there")
		return
	}
	if kind != "" {
		r.authenticator(e, kind, m)
		return
	}
	r.mountRoles(e, m)
}

// mountRoles reads the roles of a mount. The first that fits counts, so that one who denies what
// another has allowed before it is of no consequence.
func (r *reader) mountRoles(e *element, m *mount) {
	var closed *element // keeps out who has not logged in
	open := false
	r.each(e, table{"role": func(role *element) {
		kind, listens, feeds := role.attr("type"), concerns(role, "get"), concerns(role, "source", "put")
		switch {
		case kind == "anonymous" && listens && denies(role):
			if !open && closed == nil {
				closed = role
			}
			role.silence()
		case kind == "anonymous":
			open = open || listens && closed == nil
			r.restricted(role)
		case kind == "static" || kind == "legacy-password":
			if !feeds { // its password would feed the mount
				r.wrong(role, "of the type %q is known for sources alone: write the listeners into a file, and type=\"htpasswd\"", kind)
				role.silence()
				return
			}
			user, password := r.credentials(role)
			m.user, m.password = setting[string]{user, role.line}, setting[string]{password, role.line}
		case !listens && feeds: // listeners would be asked
			r.wrong(role, "of the type %q is known for listeners alone: write <username> and <password> of the source into the mount", kind)
			role.silence()
		default:
			r.authenticator(role, kind, m)
		}
	}})
	if closed != nil && m.authLine == 0 { // the mount would be open to all
		r.wrong(closed, "keeps out who has not logged in, and nothing says who may listen: write a role of the type htpasswd or url before it, or take it out if all may")
	}
}

// socketAuth reads who may come by a socket, which nothing here depends on.
func (r *reader) socketAuth(e *element) {
	for _, role := range e.children {
		if role.attr("type") == "anonymous" && concerns(role, "get") && denies(role) {
			r.wrong(role, "keeps out who comes by this socket and has not logged in, which is not known: write who may listen into the mounts, and take it out")
		}
	}
	r.means("has no effect: who may do what does not depend on the socket")(e)
}

// concerns tells whether a role is for one of some methods. One that names none is for all.
func concerns(role *element, methods ...string) bool {
	for _, named := range []string{role.attr("match-method"), role.attr("allow-method")} {
		if named != "" {
			return lists(named, methods...)
		}
	}
	return true
}

// denies tells whether a role keeps those out who want to listen.
func denies(role *element) bool {
	return role.attr("deny-all") != "" || lists(role.attr("deny-method"), "get")
}

// lists tells whether a list of 2.5 has one of some words in it, or the star that is all of them.
func lists(list string, words ...string) bool {
	for word := range strings.SplitSeq(strings.ToLower(list), ",") {
		if word = strings.TrimSpace(word); word == "*" || slices.Contains(words, word) {
			return true
		}
	}
	return false
}

// authenticator reads one that asks for each listener.
func (r *reader) authenticator(e *element, kind string, m *mount) {
	var settings []*directive
	switch kind {
	case "htpasswd":
		settings = r.htpasswd(e)
	case "url":
		settings = r.urlAuth(e)
	default:
		// Without it the mount would be open to all.
		r.wrong(e, "of the type %q is not known: write type=\"htpasswd\" or type=\"url\", or take it out if all may listen", kind)
		e.silence()
		return
	}
	if settings == nil {
		return
	}
	if m.authLine > 0 {
		r.wrong(e, "stands here again, after line %d: a mount has one; take one of them out", m.authLine)
		return
	}
	m.authLine = e.line
	m.settings = append(m.settings, settings...)
}

// options reads <option name value>, and hands them to those who know them.
func (r *reader) options(e *element, known map[string]func(o *element, value string)) {
	for _, name := range []string{"name", "match-method", "allow-method", "id"} {
		e.attr(name)
	}
	r.each(e, table{"option": func(o *element) {
		name, value := o.attr("name"), o.attr("value")
		read, ok := known[name]
		switch {
		case !ok:
			r.note(o, "%q is not known here, and has no effect", name)
		case value == "":
			r.note(o, "%q is empty, and as if it were not there", name)
		default:
			read(o, value)
		}
	}})
}

// htpasswd reads a file of users.
func (r *reader) htpasswd(e *element) []*directive {
	var file string
	var inner []*directive
	single := func(o *element, value string) {
		if many, ok := r.parseFlag(o, value); ok && !many {
			inner = []*directive{line(o.line, "max_sessions", "1")}
		}
	}
	r.options(e, map[string]func(*element, string){
		"filename":              func(_ *element, value string) { file = value },
		"allow_duplicate_users": single,
	})
	if file == "" {
		r.wrong(e, "names no file: write <option name=\"filename\" value=\"/etc/icecast2/listeners\"/> into it")
		return nil
	}
	return []*directive{{line: e.line, words: []string{"auth", "htpasswd", file}, block: inner}}
}

// urlWords are the options of URL authentication, in 2.4, KH and 2.5, and what they are here.
var urlWords = map[string]string{
	"listener_add": "listener_add", "client_add": "listener_add",
	"listener_remove": "listener_remove", "client_remove": "listener_remove",
	"mount_add": "mount_add", "mount_remove": "mount_remove", "stream_auth": "stream_auth",
	"username": "username", "header_prefix": "header_prefix", "prefix_headers": "header_prefix",
	"auth_header": "auth_header", "header_auth": "auth_header",
	"timelimit_header": "timelimit_header", "header_timelimit": "timelimit_header",
}

// urlAuth reads whom to ask.
func (r *reader) urlAuth(e *element) []*directive {
	known := make(map[string]func(*element, string))
	auth := block(e.line, []string{"auth", "url"}, nil)
	add := func(o *element, words ...string) { auth.block = append(auth.block, line(o.line, words...)) }
	for name, word := range urlWords {
		known[name] = func(o *element, value string) {
			if !strings.Contains(word, "header") && word != "username" && !isWebURL(value) {
				r.wrong(o, "%q is no URL: write one that begins with http:// or https://", name)
				return
			}
			add(o, word, literal(value))
		}
	}
	known["password"] = func(o *element, value string) { add(o, "password", literal(value)) }
	known["headers"] = func(o *element, value string) {
		add(o, append([]string{"headers"}, strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == ' ' })...)...)
	}
	known["timeout"] = func(o *element, value string) { add(o, "timeout", value+"s") }
	known["presume_innocent"] = func(o *element, value string) {
		if on, ok := r.parseFlag(o, value); ok && on {
			add(o, "on_error", "allow")
		}
	}
	r.options(e, known)
	if len(auth.block) == 0 {
		r.note(e, "asks nobody, so all may listen, as in Icecast")
		return nil
	}
	return []*directive{auth}
}

// isWebURL tells whether a text is a URL of http or https. It may hold a password, so that
// nobody repeats it.
func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// role reads a <role> of 2.5 that is for the whole server.
func (r *reader) role(e *element, c *config) {
	kind := e.attr("type")
	methods := e.attr("allow-method") + "," + e.attr("match-method")
	admin := e.attr("allow-admin")
	e.attr("name")
	e.attr("match-method")
	switch kind {
	case "anonymous":
		if !c.open && concerns(e, "get") && denies(e) {
			r.wrong(e, "keeps out who has not logged in, everywhere: write who may listen into a <mount>, or one with type=\"default\", or take it out if all may")
		}
		c.open = c.open || concerns(e, "get")
		r.restricted(e)
		return
	case "static", "legacy-password":
	default:
		if !c.open && concerns(e, "get") && e.attr("match-admin") == "" { // all mounts would be open
			r.wrong(e, "of the type %q is not known for the whole server: write it into a <mount>, or one with type=\"default\"", kind)
			e.silence()
			return
		}
		r.note(e, "of the type %q has no effect for the whole server; write it into the <mount> that it is for", kind)
		e.silence()
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
			r.note(e, "%q is called source here: encoders that log in otherwise want <username> in their <mount>", user)
		}
	default:
		r.note(e, "has no effect: of roles, only those are known that may source, put, allow-admin=\"*\" or \"streamlist.txt\"")
		e.silence()
	}
}

// credentials reads the options of a role that has one user.
func (r *reader) credentials(e *element) (user, password string) {
	user = "source"
	r.options(e, map[string]func(*element, string){
		"username": func(_ *element, v string) { user = v },
		"password": func(_ *element, v string) { password = v },
	})
	if password == "" {
		r.wrong(e, "has no password: write <option name=\"password\" value=\"…\"/> into it")
	}
	return user, password
}

// restricted reads a role of those who have not logged in, who may all.
func (r *reader) restricted(e *element) {
	for _, a := range e.attrs {
		if strings.HasPrefix(a.name, "deny-") || a.name == "connection-duration" {
			r.note(e, "has %s, which has no effect: what is not secret all may", a.name)
		}
	}
	e.silence()
}

// literal returns a text in which Caddy finds no placeholders.
func literal(s string) string { return strings.NewReplacer("{", `\{`, "}", `\}`).Replace(s) }
