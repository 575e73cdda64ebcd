package caddymodule

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/caddycast/caddycast/caddymodule/access"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/engine"
	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/state"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("icecast", parseGlobal)
}

// parseGlobal parses the settings of one station. There may be several blocks.
//
//	icecast [<station>] {
//		name     <text>
//		location <text>
//		contact  <text>
//		hostname <host>[:<port>]
//		templates <folder>
//
//		source_password [<user>] <secret>
//		relay_password  [<user>] <secret>
//		admin_password  [<user>] <secret>
//
//		on <event>… <hook>   # see parseOn
//		on_connect    <program>
//		on_disconnect <program>
//
//		deny  <address>...   # see parseClients
//		allow <address>...
//
//		limits { … }         # see parseLimits
//		mount <path> { … }   # see parseMount
//
//		hls <path> { … }     # see parseHLSGroup
//
//		relay <mount> <url>... { … }   # see parseRelay
//		role master|slave|peer { … }   # see parseRole
//		cluster <engine> … { … }       # see engine.Parse
//
//		drain_on_stop     <duration>
//		allow_shared_port [on|off]
//	}
func parseGlobal(d *caddyfile.Dispenser, existing any) (any, error) {
	app := new(App)
	if before, ok := existing.(httpcaddyfile.App); ok {
		if err := json.Unmarshal(before.Value, app); err != nil {
			return nil, err
		}
	}
	if app.Stations == nil {
		app.Stations = make(map[string]*Station)
	}
	d.Next() // the option's name
	name := state.DefaultName
	d.Args(&name)
	if d.NextArg() {
		return nil, d.Errf("icecast: unexpected argument %q; usage: icecast [<station>]", d.Val())
	}
	if err := state.CheckName(name); err != nil {
		return nil, d.WrapErr(err)
	}
	if app.Stations[name] != nil {
		return nil, d.Errf("station %s: duplicate station; expected all its settings in one block", name)
	}
	station := new(Station)
	if err := parseStation(d, name, station); err != nil {
		return nil, err
	}
	if err := station.checkTogether(); err != nil {
		return nil, fmt.Errorf("station %s: %w", name, err)
	}
	app.Stations[name] = station
	return httpcaddyfile.App{Name: "icecast", Value: caddyconfig.JSON(app, nil)}, nil
}

// parseStation parses the block of a station; see parseGlobal.
func parseStation(d *caddyfile.Dispenser, name string, s *Station) error {
	return setting.ParseBlock(d, "station "+name, setting.Directives{
		"name":     setting.Text(d, &s.Name),
		"location": setting.Text(d, &s.Location),
		"contact":  setting.Text(d, &s.Contact),
		"hostname": setting.Checked(d, setting.Text(d, &s.Hostname), func() error {
			if strings.Contains(s.Hostname, "{") { // a placeholder, to be filled in
				return nil
			}
			return setting.CheckHostname(s.Hostname)
		}),
		"templates":       setting.Text(d, &s.Templates),
		"source_password": auth.ParseCredential(d, &s.SourcePassword),
		"relay_password":  auth.ParseCredential(d, &s.RelayPassword),
		"admin_password":  auth.ParseCredential(d, &s.AdminPassword),
		"on":              func() error { return hook.Parse(d, &s.On) },
		"on_connect":      hook.ParseProgram(d, &s.OnConnect),
		"on_disconnect":   hook.ParseProgram(d, &s.OnDisconnect),
		"deny":            func() error { return access.Parse(d, &s.Deny) },
		"allow":           func() error { return access.Parse(d, &s.Allow) },
		"limits":          func() error { return parseLimits(d, &s.Limits) },
		"mount": func() error {
			m, err := parseMount(d, s.Mounts, &s.places)
			s.Mounts = append(s.Mounts, m)
			return err
		},
		"hls": func() error { return parseHLSGroup(d, &s.HLSGroups, &s.places) },
		"relay": func() error {
			r, err := parseRelay(d, s.Relays)
			s.Relays = append(s.Relays, r)
			return err
		},
		"role": func() error { return parseRole(d, s) },
		"cluster": func() error {
			s.places.Note(d, &s.ClusterRaw)
			return engine.Parse(d, &s.ClusterRaw)
		},
		"drain_on_stop":     setting.Duration(d, &s.DrainOnStop),
		"allow_shared_port": setting.Flag(d, &s.AllowSharedPort),
	})
}
