package guest

import (
	"crypto/subtle"
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func init() { caddy.RegisterModule(new(Auth)) }

// Auth admits the listeners whose query has a code: /live.mp3?code=…
type Auth struct {
	Code string `json:"code"`
}

// CaddyModule returns the Caddy module information.
func (*Auth) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "icecast.auth.example", New: func() caddy.Module { return new(Auth) }}
}

// UnmarshalCaddyfile parses auth example <code>.
func (a *Auth) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // example
	if !d.AllArgs(&a.Code) {
		return d.ArgErr()
	}
	return nil
}

// Bind implements auth.Module.
func (*Auth) Bind(auth.Station) []hook.Bound { return nil }

// AdmitListener implements auth.Module.
func (a *Auth) AdmitListener(r *http.Request, _ auth.Request) (*streaming.Admission, error) {
	if subtle.ConstantTimeCompare([]byte(r.URL.Query().Get("code")), []byte(a.Code)) != 1 {
		return nil, auth.ErrDenied
	}
	return new(streaming.Admission), nil
}

// AdmitSource implements auth.Module: sources have source_password.
func (*Auth) AdmitSource(*http.Request, auth.Request) (handled bool, err error) { return false, nil }

// Interface guards
var (
	_ auth.Module           = (*Auth)(nil)
	_ caddyfile.Unmarshaler = (*Auth)(nil)
)
