package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/streaming/relay"
)

// Relay feeds a mount from another server.
type Relay struct {
	// The mount that is fed.
	Mount string `json:"mount"`

	// The URLs of the stream, the best first. When one fails, the next is pulled.
	Upstreams []string `json:"upstreams"`

	// `first`: return to a better upstream when it is available again. Default: stay
	// with the current one.
	Prefer string `json:"prefer,omitempty"`

	Pulling
}

// parseRelay parses a relay. None before it may feed the same mount.
//
//	relay <mount> <url>... {
//		prefer first
//		…           # see pullingDirectives
//	}
func parseRelay(d *caddyfile.Dispenser, before []*Relay) (*Relay, error) {
	args := d.RemainingArgs()
	if len(args) < 2 {
		return nil, d.Err("relay: missing arguments; expected a mount and the URL of a stream, such as relay /jazz.mp3 https://other.example.net/jazz.mp3")
	}
	r := &Relay{Mount: args[0], Upstreams: args[1:]}
	if slices.ContainsFunc(before, func(o *Relay) bool { return o.Mount == r.Mount }) {
		return nil, d.Errf("relay %s: duplicate relay; expected all its URLs in one line", r.Mount)
	}
	known := setting.Directives{"prefer": setting.Text(d, &r.Prefer)}
	maps.Copy(known, pullingDirectives(d, &r.Pulling))
	if err := setting.ParseBlock(d, "relay "+r.Mount, known); err != nil {
		return nil, err
	}
	if err := r.validate(); err != nil {
		return nil, d.WrapErr(err)
	}
	return r, nil
}

func (r *Relay) validate() error {
	if err := mountpath.Check(r.Mount); err != nil {
		return fmt.Errorf("relay %q: %w", r.Mount, err)
	}
	err := func() error {
		if strings.ContainsAny(r.Mount, "*?[") {
			return errors.New("a pattern; expected the path of one mount (role slave has patterns)")
		}
		if len(r.Upstreams) == 0 {
			return errors.New("no upstream; expected the URL of a stream")
		}
		for _, u := range r.Upstreams {
			if strings.Contains(u, "{") { // a placeholder, to be filled in
				continue
			}
			if err := checkUpstream(u); err != nil {
				return err
			}
		}
		if r.Prefer != "" && r.Prefer != "first" {
			return fmt.Errorf("prefer %q: unknown; expected first, or no prefer", r.Prefer)
		}
		return r.Pulling.validate()
	}()
	if err != nil {
		return fmt.Errorf("relay %s: %w", r.Mount, err)
	}
	return nil
}

// settings translates the relay for the engine.
func (r *Relay) settings(ctx caddy.Context) (relay.Config, error) {
	upstreams, err := r.upstreams(ctx, r.Upstreams)
	if err != nil {
		return relay.Config{}, fmt.Errorf("relay %s: %w", r.Mount, err)
	}
	return relay.Config{
		Mount:       r.Mount,
		Upstreams:   upstreams,
		OnDemand:    setting.Is(r.OnDemand, true),
		NoMetadata:  setting.Is(r.Metadata, false),
		PreferFirst: r.Prefer == "first",
		Timeout:     r.timeout(),
	}, nil
}
