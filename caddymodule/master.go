package caddymodule

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/state"
)

// Master is a station with slaves. Any station with a relay_password can be pulled; this is what
// it does with its listeners.
type Master struct {
	// Which listeners are redirected to slaves: `off`, none; `when_full`, those beyond a
	// limit of this station; `balance`, all while a slave has room. Default: `off`.
	Redirect state.Redirect `json:"redirect,omitempty"`

	// Patterns of user agents that are not redirected, such as `Sonos*`: players that do not
	// follow redirects. `*` stands for any characters, `?` for one.
	RedirectExcept []string `json:"redirect_except,omitempty"`

	// The region whose slaves a listener is sent to first, by a placeholder of the request,
	// such as `{geoip2.country_code}` or `{vars.region}`. If none of them has room, any slave is.
	// Default: none.
	PreferRegion string `json:"prefer_region,omitempty"`

	// Slaves with credentials of their own. Others log in with the relay password.
	Slaves []*OwnSlave `json:"slaves,omitempty"`
}

// parse parses the block of the role; see parseRole.
func (m *Master) parse(d *caddyfile.Dispenser, places *setting.Places) error {
	if err := setting.ParseBlock(d, "role master", setting.Directives{
		"redirect":      func() error { return m.parseRedirect(d) },
		"prefer_region": func() error { return m.parsePreferRegion(d) },
		"slave":         func() error { return parseOwnSlave(d, m, places) },
	}); err != nil {
		return err
	}
	return setting.WrapErr(d, m.validate())
}

// parsePreferRegion parses a placeholder of requests. The short forms of a site's placeholders are
// allowed, such as {header.X-Region}.
func (m *Master) parsePreferRegion(d *caddyfile.Dispenser) error {
	text, err := setting.OneArg(d, "{vars.region}")
	if err != nil {
		return err
	}
	words := caddyfile.Segment{{Text: text}}
	httpcaddyfile.NewShorthandReplacer().ApplyToSegment(&words)
	m.PreferRegion = words[0].Text
	return nil
}

// parseRedirect parses which listeners are redirected.
//
//	redirect off|when_full|balance [except <agent>...]
func (m *Master) parseRedirect(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.Err("redirect: missing value; expected off, when_full or balance")
	}
	m.Redirect = state.Redirect(args[0])
	if len(args) == 1 {
		return nil
	}
	if args[1] == "except" && len(args) == 2 {
		return d.Errf("redirect %s except: missing value; expected patterns of user agents, such as redirect %[1]s except Sonos*", args[0])
	}
	if args[1] != "except" {
		return d.Errf("redirect %s: unexpected %q; expected except and patterns of user agents, such as redirect %[1]s except Sonos*", args[0], args[1])
	}
	m.RedirectExcept = args[2:]
	return nil
}

func (m *Master) validate() error {
	if m == nil {
		return nil
	}
	if !slices.Contains([]state.Redirect{"", state.RedirectOff, state.RedirectWhenFull, state.RedirectBalance}, m.Redirect) {
		return fmt.Errorf("role master: redirect %q: unknown; expected off, when_full or balance", m.Redirect)
	}
	if slices.Contains(m.RedirectExcept, "") {
		return errors.New("role master: redirect except: empty pattern; expected that of a user agent, such as Sonos*")
	}
	if err := m.validateSlaves(); err != nil {
		return fmt.Errorf("role master: %w", err)
	}
	return nil
}
