package hook

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/hooks"
)

// Parse parses what is to happen upon events.
//
//	on <event>… exec <program> [<args>…] { … }
//	on <event>… webhook <url> { … }
func Parse(d *caddyfile.Dispenser, to *[]*Hook) error {
	const right = "events and what is to happen, such as on source_connected exec /usr/local/bin/on-air {event.mount}"
	h := new(Hook)
	for d.NextArg() {
		if hooks.IsName(d.Val()) {
			h.Events = append(h.Events, hooks.Name(d.Val()))
			continue
		}
		kind := d.Val()
		if len(h.Events) == 0 || !isHookKind(kind) {
			return d.Errf("on %s: neither an event nor a hook; the events are %s, the hooks %s",
				kind, eventList(), strings.Join(hookKinds(), ", "))
		}
		module, err := caddyfile.UnmarshalModule(d, "icecast.hooks."+kind)
		if err != nil {
			return err
		}
		h.DoRaw = caddyconfig.JSONModuleObject(module, "kind", kind, nil)
		*to = append(*to, h)
		return nil
	}
	return d.Errf("on: write %s", right)
}

func eventList() string {
	names := make([]string, len(hooks.Names))
	for i, n := range hooks.Names {
		names[i] = string(n)
	}
	return strings.Join(names, ", ")
}

// hookKinds are the hooks that there are, also those of other plugins.
func hookKinds() (kinds []string) {
	for _, m := range caddy.GetModules("icecast.hooks") {
		kinds = append(kinds, m.ID.Name())
	}
	return kinds
}

func isHookKind(s string) bool { return slices.Contains(hookKinds(), s) }

// ParseProgram reads the program of on_connect and on_disconnect.
func ParseProgram(d *caddyfile.Dispenser, dst *string) func() error {
	return func() error {
		word := d.Val()
		args := d.RemainingArgs()
		if len(args) != 1 {
			return d.Errf("%s: write one program, which gets the mount as its argument, such as %s /usr/local/bin/tell; "+
				"for other arguments there is on source_connected exec", word, word)
		}
		*dst = args[0]
		if err := checkProgram(*dst); err != nil && !strings.Contains(*dst, "{") {
			return d.WrapErr(err)
		}
		return nil
	}
}
