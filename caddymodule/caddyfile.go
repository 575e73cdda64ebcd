package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("icecast", parseGlobal)
	httpcaddyfile.RegisterHandlerDirective("icecast", parseHandler)
	// What is not the station's goes on to whatever answers requests.
	httpcaddyfile.RegisterDirectiveOrder("icecast", httpcaddyfile.Before, "respond")
}

// parseHandler parses the directive that puts a station on a site.
//
//	icecast [<matcher>] [<station>]
func parseHandler(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	return handler, handler.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile implements caddyfile.Unmarshaler; see parseHandler.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	d.Args(&h.Station)
	if d.NextArg() {
		return d.Errf("icecast: %q is too much; write icecast, or icecast and the name of a station", d.Val())
	}
	if d.NextBlock(0) {
		return d.Err("icecast: a site has no settings of a station; write them into the global options, in { icecast { … } }")
	}
	return nil
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
//		relay <mount> <url>... { … }   # see parseRelay
//		role master|slave { … }        # see parseRole
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
	name := defaultStation
	d.Args(&name)
	if d.NextArg() {
		return nil, d.Errf("icecast: %q is too much; write icecast, or icecast and the name of the station", d.Val())
	}
	if err := checkStationName(name); err != nil {
		return nil, d.WrapErr(err)
	}
	if app.Stations[name] != nil {
		return nil, d.Errf("station %s: it is there twice; write all its settings into one block", name)
	}
	station := new(Station)
	if err := parseStation(d, name, station); err != nil {
		return nil, err
	}
	app.Stations[name] = station
	return httpcaddyfile.App{Name: "icecast", Value: caddyconfig.JSON(app, nil)}, nil
}

// parseStation parses the block of a station; see parseGlobal.
func parseStation(d *caddyfile.Dispenser, name string, s *Station) error {
	return parseBlock(d, "station "+name, words{
		"name":     text(d, &s.Name),
		"location": text(d, &s.Location),
		"contact":  text(d, &s.Contact),
		"hostname": checked(d, text(d, &s.Hostname), func() error {
			if strings.Contains(s.Hostname, "{") { // a placeholder, to be filled in
				return nil
			}
			return checkHostname(s.Hostname)
		}),
		"templates":       text(d, &s.Templates),
		"source_password": credential(d, &s.SourcePassword),
		"relay_password":  credential(d, &s.RelayPassword),
		"admin_password":  credential(d, &s.AdminPassword),
		"on":              func() error { return parseOn(d, &s.On) },
		"on_connect":      program(d, &s.OnConnect),
		"on_disconnect":   program(d, &s.OnDisconnect),
		"deny":            func() error { return parseClients(d, &s.Deny) },
		"allow":           func() error { return parseClients(d, &s.Allow) },
		"limits":          func() error { return parseLimits(d, &s.Limits) },
		"mount": func() error {
			m, err := parseMount(d, s.Mounts)
			s.Mounts = append(s.Mounts, m)
			return err
		},
		"relay": func() error {
			r, err := parseRelay(d, s.Relays)
			s.Relays = append(s.Relays, r)
			return err
		},
		"role": func() error { return parseRole(d, s) },
	})
}

// words are the directives of a block, each with what reads the rest of its line
// or its block.
type words map[string]func() error

// repeatable are the words that may stand in a block several times.
var repeatable = []string{"mount", "deny", "allow", "fallback", "relay", "role", "on", "header"}

// parseBlock parses the block at d, which is called what in errors. All words
// but those that are repeatable may stand in it once.
func parseBlock(d *caddyfile.Dispenser, what string, known words) error {
	if d.NextArg() {
		return d.Errf("%s: %q is too much; its settings stand in a block, one a line", what, d.Val())
	}
	seen := make(map[string]bool)
	before := what
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		parse, ok := known[word]
		switch {
		case word == "{":
			return d.Errf("%s: %s takes no block", what, before)
		case !ok:
			return d.Errf("%s: %q is unknown here; the words are %s",
				what, word, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		case seen[word] && !slices.Contains(repeatable, word):
			return d.Errf("%s: %s is there twice; write it once", what, word)
		}
		seen[word], before = true, word
		if err := parse(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// oneArg returns the one value that must follow a word.
func oneArg(d *caddyfile.Dispenser, example string) (string, error) {
	word := d.Val()
	args := d.RemainingArgs()
	if len(args) != 1 {
		return "", d.Errf("%s: write one value after it, such as %s %s; there are %d", word, word, example, len(args))
	}
	return args[0], nil
}

// complain says what is wrong with a value and what would be right.
func complain(d *caddyfile.Dispenser, word, value, right string) error {
	return d.Errf("%s %q: write %s", word, value, right)
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Handler)(nil)
