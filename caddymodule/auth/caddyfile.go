package auth

import (
	"encoding/json"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/setting"
)

// Parse parses the authentication of a mount.
//
//	auth htpasswd <file> { … }
//	auth url { … }
//	auth off
//	auth <kind> …    # of another plugin
func Parse(d *caddyfile.Dispenser, to *json.RawMessage) error {
	var kinds []string
	for _, m := range caddy.GetModules("icecast.auth") {
		kinds = append(kinds, m.ID.Name())
	}
	if !d.NextArg() {
		return d.Errf("auth: missing module name; expected one of: %s", strings.Join(kinds, ", "))
	}
	kind := d.Val()
	if _, err := caddy.GetModule("icecast.auth." + kind); err != nil {
		return d.Errf("auth: %s", setting.Suggest("unknown module", kind, kinds))
	}
	module, err := caddyfile.UnmarshalModule(d, "icecast.auth."+kind)
	if err != nil {
		return err
	}
	*to = caddyconfig.JSONModuleObject(module, "kind", kind, nil)
	return nil
}

// UnmarshalCaddyfile parses the URLs and their settings. The names are Icecast's.
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
		"username":         setting.Checked(d, setting.Text(d, &a.Username), a.checkUsername),
		"password":         setting.Text(d, &a.Password),
		"headers":          setting.Checked(d, func() error { return a.parseHeaders(d) }, a.checkHeaders),
		"header_prefix":    setting.Text(d, &a.HeaderPrefix),
		"auth_header":      setting.Checked(d, func() error { return a.parseAuthHeader(d) }, a.checkAuthHeader),
		"timelimit_header": setting.Checked(d, setting.Text(d, &a.TimelimitHeader), a.checkTimelimitHeader),
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
	return d.Err("auth url: missing URL; expected at least one of: listener_add, listener_remove, mount_add, mount_remove, stream_auth")
}

// parseAuthHeader parses a name and perhaps a value, quoted or not.
func (a *URL) parseAuthHeader(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if n := len(args); n == 0 || n > 2 || n == 2 && !strings.HasSuffix(args[0], ":") {
		return d.Err("auth_header: invalid header; expected a name and perhaps a value, such as auth_header icecast-auth-user: 1")
	}
	a.AuthHeader = strings.Join(args, " ")
	return nil
}

// parseHeaders parses names of headers, separated by spaces or, as in Icecast, commas.
func (a *URL) parseHeaders(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.Err("headers: missing value; expected names of headers, such as headers referer cookie")
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
	_ caddyfile.Unmarshaler = (*URL)(nil)
)
