package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/streaming/relay"
)

// Slave is a station that pulls the mounts of others.
type Slave struct {
	// The base URLs of the masters. A mount is pulled from the first available master
	// that has it.
	Masters []string `json:"masters"`

	// The interval at which their lists of mounts are read. A caddycast master
	// announces new mounts at once. Default: 10s.
	Interval caddy.Duration `json:"interval,omitempty"`

	// The mounts to pull: paths and patterns. Default: all.
	Mounts []string `json:"mounts,omitempty"`

	// Who decides on the listeners of mounts that the masters protect: `master`, the
	// masters, by their own access control. Default: this node, which does not pull a
	// mount that it does not protect itself.
	Auth string `json:"auth,omitempty"`

	// The base URLs of this node for listeners, one of http, one of https or both.
	// Default: none, the masters redirect no listeners to this node.
	Public []string `json:"public,omitempty"`

	// The region of this node, such as `eu-west`. A master with a preferred region sends
	// listeners of that region here first. Default: none.
	Region string `json:"region,omitempty"`

	Pulling
}

// parseRole parses a role of the station. It may be master and slave.
//
//	role master {
//		redirect      off|when_full|balance [except <agent>...]
//		prefer_region <placeholder>
//		slave         <name> <secret> { … }
//		slave <name> <secret> { … } # see parseOwnSlave
//	}
//	role slave {
//		master   <url>...
//		interval <duration>
//		mounts   <pattern>...
//		public   <url>...
//		auth     master
//		region   <name>
//		…           # see pullingDirectives
//	}
//	role peer { … }     # see Peer.parse
func parseRole(d *caddyfile.Dispenser, s *Station) error {
	role, err := setting.OneArg(d, "slave")
	if err != nil {
		return err
	}
	switch {
	case role == "master" && s.Master == nil:
		s.Master = new(Master)
		return s.Master.parse(d, &s.places)
	case role == "slave" && s.Slave == nil:
		s.Slave = new(Slave)
		known := setting.Directives{
			"master":   setting.Texts(d, &s.Slave.Masters, "https://master.example.org:8443"),
			"interval": setting.PositiveDuration(d, &s.Slave.Interval),
			"mounts":   setting.Texts(d, &s.Slave.Mounts, "/live*"),
			"auth":     setting.Text(d, &s.Slave.Auth),
			"region":   setting.Text(d, &s.Slave.Region),
			"public":   setting.Texts(d, &s.Slave.Public, "https://edge1.example.org"),
		}
		maps.Copy(known, pullingDirectives(d, &s.Slave.Pulling))
		if err := setting.ParseBlock(d, "role slave", known); err != nil {
			return err
		}
		return setting.WrapErr(d, s.Slave.validate())
	case role == "peer" && s.Peer == nil:
		s.Peer = new(Peer)
		s.places.Note(d, s.Peer)
		return s.Peer.parse(d)
	case role == "master" || role == "slave" || role == "peer":
		return d.Errf("role %s: duplicate role; expected it once", role)
	}
	return setting.InvalidValue(d, "role", role, "role master, role slave or role peer")
}

func (s *Slave) validate() error {
	if s == nil {
		return nil
	}
	err := func() error {
		if len(s.Masters) == 0 {
			return errors.New("no master; expected one such as master https://master.example.org:8443")
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
				return fmt.Errorf("mounts %q: invalid pattern; expected a mount or a pattern such as /live*", p)
			}
		}
		if s.Region != "" && !strings.Contains(s.Region, "{") && !relay.IsRegion(s.Region) {
			return fmt.Errorf("region %q: invalid; expected letters, digits, dots and dashes, such as eu-west", s.Region)
		}
		if s.Auth != "" && s.Auth != "master" {
			return fmt.Errorf("auth %q: unknown; expected master", s.Auth)
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

// checkBase returns an error for a URL to which the path of a mount cannot be added.
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
func (s *Slave) settings(ctx caddy.Context, report func(master string) relay.Report, missing func(string, []relay.Protection) []relay.Protection) (*relay.SlaveConfig, error) {
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
	region := repl.ReplaceKnown(s.Region, "")
	if region != "" && !relay.IsRegion(region) {
		return nil, fmt.Errorf("role slave: region %q: invalid; expected letters, digits, dots and dashes, such as eu-west", region)
	}
	return &relay.SlaveConfig{
		Masters:     masters,
		Interval:    time.Duration(s.Interval),
		Timeout:     s.timeout(),
		OnDemand:    setting.Is(s.OnDemand, true),
		NoMetadata:  setting.Is(s.Metadata, false),
		Mounts:      s.Mounts,
		Public:      public,
		AsksMasters: s.Auth == "master",
		Region:      region,
		Report:      report,
		Missing:     missing,
	}, nil
}
