package auth

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Parse parses who may do what on a mount.
//
//	auth htpasswd <file> { … }
//	auth url { … }
//	auth off
func Parse(d *caddyfile.Dispenser, to *json.RawMessage) error {
	var kinds []string
	for _, m := range caddy.GetModules("icecast.auth") {
		kinds = append(kinds, m.ID.Name())
	}
	if !d.NextArg() {
		return d.Errf("auth: write who says who may listen: %s", strings.Join(kinds, " or "))
	}
	kind := d.Val()
	if _, err := caddy.GetModule("icecast.auth." + kind); err != nil {
		return setting.InvalidValue(d, "auth", kind, strings.Join(kinds, " or "))
	}
	module, err := caddyfile.UnmarshalModule(d, "icecast.auth."+kind)
	if err != nil {
		return err
	}
	*to = caddyconfig.JSONModuleObject(module, "kind", kind, nil)
	return nil
}

// ParseCredential reads a secret, with a user before it if there are two values.
func ParseCredential(d *caddyfile.Dispenser, dst **Credential) func() error {
	return func() error {
		word := d.Val()
		c := new(Credential)
		switch args := d.RemainingArgs(); len(args) {
		case 0: // as a variable that is not set leaves it
		case 1:
			c.Password = args[0]
		case 2:
			c.User, c.Password = args[0], args[1]
		default:
			return d.Errf("%s: write a password, or a user and a password; there are %d values", word, len(args))
		}
		if c.Password == "" {
			return d.Errf("%s: write a password, or a user and a password; the password is empty "+
				"(if it comes from the environment, is the variable set?)", word)
		}
		if err := c.check(); err != nil {
			return d.WrapErr(fmt.Errorf("%s: %w", word, err))
		}
		*dst = c
		return nil
	}
}

// UnmarshalCaddyfile reads the file, and how it is used.
//
//	htpasswd <file> {
//		max_sessions <number>
//	}
func (a *Htpasswd) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // htpasswd
	var err error
	if a.File, err = setting.OneArg(d, "/etc/caddy/listeners.htpasswd"); err != nil {
		return err
	}
	return setting.ParseBlock(d, "auth htpasswd", setting.Directives{"max_sessions": setting.Count(d, &a.MaxSessions)})
}

// UnmarshalCaddyfile reads what is asked and told, and how. The words are
// Icecast's.
//
//	url {
//		listener_add     <url>
//		listener_remove  <url>
//		mount_add        <url>
//		mount_remove     <url>
//		stream_auth      <url>
//		username         <user>
//		password         <secret>
//		headers          <name>…
//		header_prefix    <text>
//		auth_header      <name>[: <value>]
//		timelimit_header <name>
//		timeout          <duration>
//		on_error         allow|deny
//	}
func (a *URL) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // url
	known := setting.Directives{
		"username":         setting.Text(d, &a.Username),
		"password":         setting.Text(d, &a.Password),
		"headers":          func() error { return a.parseHeaders(d) },
		"header_prefix":    setting.Text(d, &a.HeaderPrefix),
		"auth_header":      func() error { return a.parseAuthHeader(d) },
		"timelimit_header": setting.Text(d, &a.TimelimitHeader),
		"timeout":          setting.PositiveDuration(d, &a.Timeout),
		"on_error": func() error {
			if err := setting.Text(d, &a.OnError)(); err != nil {
				return err
			}
			if a.OnError != "allow" && a.OnError != "deny" {
				return setting.InvalidValue(d, "on_error", a.OnError, "allow or deny")
			}
			return nil
		},
	}
	for name, u := range a.urls() {
		known[name] = func() error {
			var err error
			if *u, err = setting.OneArg(d, "https://example.org/icecast"); err != nil {
				return err
			}
			if err := hook.CheckURL(*u); err != nil && !strings.Contains(*u, "{") {
				return d.WrapErr(err)
			}
			return nil
		}
	}
	if err := setting.ParseBlock(d, "auth url", known); err != nil {
		return err
	}
	for _, u := range a.urls() {
		if *u != "" {
			return nil
		}
	}
	return d.Err("auth url: write at least one of listener_add, listener_remove, mount_add, mount_remove and stream_auth into its block")
}

// parseAuthHeader reads a name and perhaps a value, quoted or not.
func (a *URL) parseAuthHeader(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if n := len(args); n == 0 || n > 2 || n == 2 && !strings.HasSuffix(args[0], ":") {
		return d.Err("auth_header: write a name and perhaps a value, such as auth_header icecast-auth-user: 1")
	}
	a.AuthHeader = strings.Join(args, " ")
	return nil
}

// parseHeaders reads names of fields, apart by spaces or, as in Icecast, commas.
func (a *URL) parseHeaders(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.Err("headers: write names of fields after it, such as headers referer cookie")
	}
	for _, arg := range args {
		for name := range strings.SplitSeq(arg, ",") {
			if name = strings.TrimSpace(name); name != "" {
				a.Headers = append(a.Headers, name)
			}
		}
	}
	return nil
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*Htpasswd)(nil)
	_ caddyfile.Unmarshaler = (*URL)(nil)
)
