package auth

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/streaming"
)

func init() {
	caddy.RegisterModule(new(Off))
}

// Off overrides the authentication of a pattern: no module decides on the mount.
type Off struct{}

// CaddyModule returns the Caddy module information.
func (*Off) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast.auth.off",
		New: func() caddy.Module { return new(Off) },
	}
}

// Bind implements Module.
func (*Off) Bind(Station) []hook.Bound { return nil }

// AdmitListener implements Module. Gate.Module never returns an Off.
func (*Off) AdmitListener(*http.Request, Request) (*streaming.Admission, error) {
	return new(streaming.Admission), nil
}

// AdmitSource implements Module.
func (*Off) AdmitSource(*http.Request, Request) (bool, error) { return false, nil }

// UnmarshalCaddyfile accepts no arguments.
//
//	auth off
func (*Off) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // off
	if d.NextArg() {
		return d.Errf("auth off: unexpected argument %q; expected auth off alone", d.Val())
	}
	return nil
}

// Interface guards
var (
	_ Module                = (*Off)(nil)
	_ caddyfile.Unmarshaler = (*Off)(nil)
)
