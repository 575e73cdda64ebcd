package guest

import (
	"github.com/caddycast/caddycast/caddymodule/fallbacks"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func init() { caddy.RegisterModule(new(Fallback)) }

// Fallback is the mount of the same name below a path: for /live.mp3, /auto/live.mp3.
type Fallback struct {
	Path string `json:"path"`
}

// CaddyModule returns the Caddy module information.
func (*Fallback) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "icecast.fallbacks.example", New: func() caddy.Module { return new(Fallback) }}
}

// UnmarshalCaddyfile parses fallback example <path>.
func (f *Fallback) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // example
	if !d.AllArgs(&f.Path) {
		return d.ArgErr()
	}
	return nil
}

// Targets implements fallbacks.Module.
func (f *Fallback) Targets(mount string) []string { return []string{f.Path + mount} }

// Interface guards
var (
	_ fallbacks.Module      = (*Fallback)(nil)
	_ caddyfile.Unmarshaler = (*Fallback)(nil)
)
