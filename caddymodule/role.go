package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming/relay"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Master is a station that slaves pull from. Every station lets those pull who know
// its relay_password; this says what becomes of its listeners.
type Master struct {
	// Whether listeners are sent to slaves, by a redirect: `off`, which is the
	// default, `when_full`, if a limit is reached here, or `balance`, always if
	// a slave has room.
	Redirect state.Redirect `json:"redirect,omitempty"`
}

// Slave is a station that pulls all mounts of others.
type Slave struct {
	// The base URLs of the masters. A mount is pulled from the first that has it
	// and answers.
	Masters []string `json:"masters"`

	// How often they are asked for their mounts. A caddycast tells of a new one
	// at once. Default: 10s.
	Interval caddy.Duration `json:"interval,omitempty"`

	// Which mounts are pulled: paths and patterns. Default: all.
	Mounts []string `json:"mounts,omitempty"`

	// The URLs where listeners reach this node, one of http, one of https or both.
	// Without any the masters send no listeners here.
	Public []string `json:"public,omitempty"`

	Pulling
}

// parseRole parses what a station is to others. It may be both.
//
//	role master {
//		redirect off|when_full|balance
//	}
//	role slave {
//		master   <url>...
//		interval <duration>
//		mounts   <pattern>...
//		public   <url>...
//		…           # see pullingWords
//	}
func parseRole(d *caddyfile.Dispenser, s *Station) error {
	role, err := setting.OneArg(d, "slave")
	if err != nil {
		return err
	}
	switch {
	case role == "master" && s.Master == nil:
		s.Master = new(Master)
		if err := setting.ParseBlock(d, "role master", setting.Directives{"redirect": setting.Text(d, (*string)(&s.Master.Redirect))}); err != nil {
			return err
		}
		return setting.WrapErr(d, s.Master.validate())
	case role == "slave" && s.Slave == nil:
		s.Slave = new(Slave)
		known := setting.Directives{
			"master":   setting.Texts(d, &s.Slave.Masters, "https://master.example.org:8443"),
			"interval": setting.PositiveDuration(d, &s.Slave.Interval),
			"mounts":   setting.Texts(d, &s.Slave.Mounts, "/live*"),
			"public":   setting.Texts(d, &s.Slave.Public, "https://edge1.example.org"),
		}
		maps.Copy(known, pullingWords(d, &s.Slave.Pulling))
		if err := setting.ParseBlock(d, "role slave", known); err != nil {
			return err
		}
		return setting.WrapErr(d, s.Slave.validate())
	case role == "master" || role == "slave":
		return d.Errf("role %s: it is there twice; write it once", role)
	}
	return setting.InvalidValue(d, "role", role, "role master or role slave")
}

func (m *Master) validate() error {
	if m == nil || slices.Contains([]state.Redirect{"", state.RedirectOff, state.RedirectWhenFull, state.RedirectBalance}, m.Redirect) {
		return nil
	}
	return fmt.Errorf("role master: redirect %q: write off, when_full or balance", m.Redirect)
}

func (s *Slave) validate() error {
	if s == nil {
		return nil
	}
	err := func() error {
		if len(s.Masters) == 0 {
			return errors.New("write its master, such as master https://master.example.org:8443")
		}
		for _, m := range s.Masters {
			if err := checkBase("master", m); err != nil {
				return err
			}
		}
		for _, p := range s.Public {
			if err := checkBase("public", p); err != nil {
				return err
			}
		}
		for _, p := range s.Mounts {
			if _, err := path.Match(p, "/"); err != nil || !strings.HasPrefix(p, "/") {
				return fmt.Errorf("mounts %q: write mounts or patterns such as /live*", p)
			}
		}
		if err := setting.CheckRange("interval", s.Interval, math.MaxInt64); err != nil {
			return err
		}
		return s.Pulling.validate()
	}()
	if err != nil {
		return fmt.Errorf("role slave: %w", err)
	}
	return nil
}

// checkBase refuses a URL to which the path of a mount can't be added.
func checkBase(word, text string) error {
	if strings.Contains(text, "{") { // a placeholder, to be filled in
		return nil
	}
	if _, err := relay.ParseBaseURL(text); err != nil {
		return fmt.Errorf("%s %w", word, err)
	}
	return nil
}

// settings translates the slave for the engine.
func (s *Slave) settings(ctx caddy.Context, report func() relay.Report, mayServe func(string, []relay.Protection) bool) (*relay.SlaveConfig, error) {
	masters, err := s.upstreams(ctx, s.Masters)
	if err != nil {
		return nil, fmt.Errorf("role slave: master: %w", err)
	}
	for i := range masters {
		if masters[i].URL, err = relay.ParseBaseURL(masters[i].URL); err != nil {
			return nil, fmt.Errorf("role slave: master %w", err)
		}
	}
	repl := caddy.NewReplacer()
	var public []string
	for _, p := range s.Public {
		base, err := relay.ParseBaseURL(repl.ReplaceKnown(p, ""))
		if err != nil {
			return nil, fmt.Errorf("role slave: public %w", err)
		}
		public = append(public, base)
	}
	return &relay.SlaveConfig{
		Masters:    masters,
		Interval:   time.Duration(s.Interval),
		Timeout:    s.timeout(),
		OnDemand:   setting.Is(s.OnDemand, true),
		NoMetadata: setting.Is(s.Metadata, false),
		Mounts:     s.Mounts,
		Public:     public,
		Report:     report,
		MayServe:   mayServe,
	}, nil
}
