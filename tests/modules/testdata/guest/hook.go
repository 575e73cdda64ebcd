package guest

import (
	"context"
	"fmt"
	"os"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func init() { caddy.RegisterModule(new(Hook)) }

// Hook writes a line to a file for each event.
type Hook struct {
	File string `json:"file"`
}

// CaddyModule returns the Caddy module information.
func (*Hook) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "icecast.hooks.example", New: func() caddy.Module { return new(Hook) }}
}

// UnmarshalCaddyfile parses on <event>… example <file>.
func (h *Hook) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // example
	if !d.AllArgs(&h.File) {
		return d.ArgErr()
	}
	return nil
}

// Hook implements hook.Module.
func (h *Hook) Hook(hook.Station) hooks.Hook { return hooks.Hook{Label: "example", Runner: h} }

// Identity implements hook.Identifier: the queue belongs to the file.
func (h *Hook) Identity() string { return h.File }

// Run implements hooks.Runner.
func (h *Hook) Run(_ context.Context, e *hooks.Event) error {
	f, err := os.OpenFile(h.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, e.Name, e.Mount); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// Interface guards
var (
	_ hook.Module           = (*Hook)(nil)
	_ hook.Identifier       = (*Hook)(nil)
	_ caddyfile.Unmarshaler = (*Hook)(nil)
)
