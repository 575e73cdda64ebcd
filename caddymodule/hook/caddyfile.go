package hook

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/hooks"
)

// Parse parses events and an action.
//
//	on <event>… exec <program> [<args>…] { … }
//	on <event>… webhook <url> { … }
//	on <event>… <kind> …    # of another plugin
func Parse(d *caddyfile.Dispenser, to *[]*Hook) error {
	const example = "on source_connected exec /usr/local/bin/on-air {event.mount}"
	h := new(Hook)
	for d.NextArg() {
		if hooks.IsName(d.Val()) {
			h.Events = append(h.Events, hooks.Name(d.Val()))
			continue
		}
		kind := d.Val()
		if len(h.Events) == 0 || !isHookKind(kind) {
			if len(h.Events) == 0 && isHookKind(kind) {
				return d.Errf("on %s: missing event; expected one, such as %s", kind, example)
			}
			return d.Errf("on: %s", setting.Suggest("unknown event or module", kind, append(eventNames(), hookKinds()...)))
		}
		module, err := caddyfile.UnmarshalModule(d, "icecast.hooks."+kind)
		if err != nil {
			return err
		}
		h.DoRaw = caddyconfig.JSONModuleObject(module, "kind", kind, nil)
		*to = append(*to, h)
		return nil
	}
	return d.Errf("on: missing events or module; expected both, such as %s", example)
}

func eventNames() []string {
	names := make([]string, len(hooks.Names))
	for i, n := range hooks.Names {
		names[i] = string(n)
	}
	return names
}

// hookKinds returns the names of all modules, also those of other plugins.
func hookKinds() (kinds []string) {
	for _, m := range caddy.GetModules("icecast.hooks") {
		kinds = append(kinds, m.ID.Name())
	}
	return kinds
}

func isHookKind(s string) bool { return slices.Contains(hookKinds(), s) }

// ParseProgram parses the program of on_connect and on_disconnect.
func ParseProgram(d *caddyfile.Dispenser, dst *string) func() error {
	return func() error {
		directive := d.Val()
		args := d.RemainingArgs()
		if len(args) != 1 {
			return d.Errf("%s: %d values; expected one program, such as %s /usr/local/bin/tell, which gets the mount as its "+
				"argument (for other arguments use on source_connected exec)", directive, len(args), directive)
		}
		*dst = args[0]
		if err := checkProgram(*dst); err != nil && !strings.Contains(*dst, "{") {
			return d.WrapErr(err)
		}
		return nil
	}
}
