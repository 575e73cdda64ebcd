package auth

import (
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func init() {
	caddy.RegisterModule(new(Off))
}

// Off takes back what a pattern says: no module decides on the mount.
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

// UnmarshalCaddyfile accepts the word alone.
//
//	auth off
func (*Off) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // off
	if d.NextArg() {
		return setting.InvalidValue(d, "auth off", d.Val(), "nothing after it")
	}
	return nil
}

// Interface guards
var (
	_ Module                = (*Off)(nil)
	_ caddyfile.Unmarshaler = (*Off)(nil)
)
