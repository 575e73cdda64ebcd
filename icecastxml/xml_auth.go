package icecastxml

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// mountAuth reads the listener authentication of a mount: the type of <authentication> in 2.4 and
// KH, its roles in 2.5.
func (r *reader) mountAuth(e *element, m *mount) {
	kind := e.attr("type")
	if kind == "" && len(e.children) == 0 {
		r.notef(e, "ignored; it is empty")
		return
	}
	if kind != "" {
		r.authenticator(e, kind, m)
		return
	}
	r.mountRoles(e, m)
}

// mountRoles reads the roles of a mount. The first matching role counts, so a role that denies
// after one that allows has no effect.
func (r *reader) mountRoles(e *element, m *mount) {
	var closed *element // the role that denies anonymous listeners
	open := false
	r.readChildren(e, table{"role": func(role *element) {
		kind, listens, feeds := role.attr("type"), appliesTo(role, "get"), appliesTo(role, "source", "put")
		switch {
		case kind == "anonymous" && listens && deniesListening(role):
			if !open && closed == nil {
				closed = role
			}
			role.markKnown()
		case kind == "anonymous":
			open = open || listens && closed == nil
			r.anonymousRole(role)
		case kind == "static" || kind == "legacy-password":
			if !feeds { // its password would allow sources
				r.errorf(role, "type %q is supported for sources only; expected type=\"htpasswd\" with a file of listeners", kind)
				role.markKnown()
				return
			}
			user, password := r.credentials(role)
			m.user, m.password = setting[string]{user, role.line}, setting[string]{password, role.line}
		case !listens && feeds: // it would apply to listeners
			r.errorf(role, "type %q is supported for listeners only; expected <username> and <password> of the source in the mount", kind)
			role.markKnown()
		default:
			r.authenticator(role, kind, m)
		}
	}})
	if closed != nil && m.authLine == 0 { // everybody could listen
		r.errorf(closed, "denies anonymous listeners, and no role allows others; expected a role of type htpasswd or url before it, or no such role if everybody may listen")
	}
}

// socketAuth reads the authentication of a socket, which is not supported.
func (r *reader) socketAuth(e *element) {
	for _, role := range e.children {
		if role.attr("type") == "anonymous" && appliesTo(role, "get") && deniesListening(role) {
			r.errorf(role, "denying anonymous listeners on one socket is not supported; expected listener authentication in the mounts")
		}
	}
	r.ignore("ignored; permissions do not depend on the socket")(e)
}

// appliesTo reports whether a role is for one of some methods. Without methods it is for all.
func appliesTo(role *element, methods ...string) bool {
	for _, named := range []string{role.attr("match-method"), role.attr("allow-method")} {
		if named != "" {
			return listContains(named, methods...)
		}
	}
	return true
}

// deniesListening reports whether a role denies listeners.
func deniesListening(role *element) bool {
	return role.attr("deny-all") != "" || listContains(role.attr("deny-method"), "get")
}

// listContains reports whether a list of 2.5 has one of some words, or the star for all.
func listContains(list string, words ...string) bool {
	for word := range strings.SplitSeq(strings.ToLower(list), ",") {
		if word = strings.TrimSpace(word); word == "*" || slices.Contains(words, word) {
			return true
		}
	}
	return false
}

// authenticator reads an authenticator of listeners.
func (r *reader) authenticator(e *element, kind string, m *mount) {
	var settings []*directive
	switch kind {
	case "htpasswd":
		settings = r.htpasswd(e)
	case "url":
		settings = r.urlAuth(e)
	default:
		// If it were ignored, everybody could listen.
		r.errorf(e, "unknown type %q; expected type=\"htpasswd\" or type=\"url\", or no <authentication> if everybody may listen", kind)
		e.markKnown()
		return
	}
	if settings == nil {
		return
	}
	if m.authLine > 0 {
		r.errorf(e, "duplicate of line %d; expected one per mount", m.authLine)
		return
	}
	m.authLine = e.line
	m.settings = append(m.settings, settings...)
}

// readOptions reads <option name value> elements by name.
func (r *reader) readOptions(e *element, known map[string]func(o *element, value string)) {
	for _, name := range []string{"name", "match-method", "allow-method", "id"} {
		e.attr(name)
	}
	defer r.notePermissions(e) // once the caller has read those that have a meaning
	r.readChildren(e, table{"option": func(o *element) {
		name, value := o.attr("name"), o.attr("value")
		read, ok := known[name]
		switch {
		case !ok:
			r.notef(o, "ignored; unknown option %q", name)
		case value == "":
			r.notef(o, "ignored; option %q is empty", name)
		default:
			read(o, value)
		}
	}})
}

// htpasswd reads authentication by a file of users.
func (r *reader) htpasswd(e *element) []*directive {
	var file string
	var inner []*directive
	perUser := e.attr("connections-per-user") // of 2.5
	single := func(o *element, value string) {
		if many, ok := r.parseFlag(o, value); ok && !many {
			inner = []*directive{line(o.line, "max_sessions", "1")}
		}
	}
	r.readOptions(e, map[string]func(*element, string){
		"filename":              func(_ *element, value string) { file = value },
		"allow_duplicate_users": single,
	})
	if file == "" {
		r.errorf(e, "no file; expected <option name=\"filename\" value=\"/etc/icecast2/listeners\"/>")
		return nil
	}
	if n, err := strconv.Atoi(perUser); err == nil && n > 0 {
		inner = []*directive{line(e.line, "max_sessions", strconv.Itoa(n))}
	}
	return []*directive{{line: e.line, words: []string{"auth", "htpasswd", file}, block: inner}}
}

// urlWords maps the options of URL authentication in 2.4, KH and 2.5 to directives.
var urlWords = map[string]string{
	"listener_add": "listener_add", "client_add": "listener_add",
	"listener_remove": "listener_remove", "client_remove": "listener_remove",
	"mount_add": "mount_add", "mount_remove": "mount_remove", "stream_auth": "stream_auth",
	"username": "username", "header_prefix": "header_prefix", "prefix_headers": "header_prefix",
	"auth_header": "auth_header", "header_auth": "auth_header",
	"timelimit_header": "timelimit_header", "header_timelimit": "timelimit_header",
}

// urlAuth reads URL authentication.
func (r *reader) urlAuth(e *element) []*directive {
	known := make(map[string]func(*element, string))
	auth := block(e.line, []string{"auth", "url"}, nil)
	add := func(o *element, words ...string) { auth.block = append(auth.block, line(o.line, words...)) }
	for name, word := range urlWords {
		known[name] = func(o *element, value string) {
			if !strings.Contains(word, "header") && word != "username" && !isWebURL(value) {
				r.errorf(o, "%q is not a URL; expected one that begins with http:// or https://", name)
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
	r.readOptions(e, known)
	if len(auth.block) == 0 {
		r.notef(e, "no URL is set, so everybody may listen, as in Icecast")
		return nil
	}
	return []*directive{auth}
}

// isWebURL reports whether a text is an http or https URL. It can hold a password, so errors do
// not repeat it.
func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// literal returns a text with escaped braces, so that Caddy replaces no placeholders in it.
func literal(s string) string { return strings.NewReplacer("{", `\{`, "}", `\}`).Replace(s) }
