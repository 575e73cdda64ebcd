package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/caddycast/caddycast/caddymodule/access"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddyserver/caddy/v2"
)

// Station is a set of mounts with one identity.
type Station struct {
	// What the station is called on its status pages.
	Name string `json:"name,omitempty"`

	// Where it is, for its status pages.
	Location string `json:"location,omitempty"`

	// How to reach its operator, mostly an email address.
	Contact string `json:"contact,omitempty"`

	// The host that listen URLs name, with a port if it is not the one that
	// the request came by. Default: the host of the request.
	Hostname string `json:"hostname,omitempty"`

	// What a source must know. The user is `source` if none is given. Without
	// it only mounts with a password of their own take a source.
	SourcePassword *auth.Credential `json:"source_password,omitempty"`

	// What a slave must know. The user is `relay` if none is given.
	RelayPassword *auth.Credential `json:"relay_password,omitempty"`

	// What an administrator must know. The user is `admin` if none is given.
	AdminPassword *auth.Credential `json:"admin_password,omitempty"`

	// A folder with templates for the station's pages, status.html and admin.html,
	// in the place of those that are part of the program.
	Templates string `json:"templates,omitempty"`

	// Clients that are refused.
	Deny *access.Clients `json:"deny,omitempty"`

	// Clients that are let in, where others are not. Of two addresses that fit, that
	// of the smaller network counts.
	Allow *access.Clients `json:"allow,omitempty"`

	// Limits of the whole station, and the defaults of its mounts.
	Limits Limits `json:"limits,omitzero"`

	// Settings of single mounts and of patterns. A pattern has stars, each of
	// which stands for any characters but slashes. The mount whose path is
	// written out wins over patterns, and an earlier pattern over a later one,
	// field by field. A mount needs no entry to exist.
	Mounts []*Mount `json:"mounts,omitempty"`

	// Mounts that are fed from other servers.
	Relays []*Relay `json:"relays,omitempty"`

	// What the station does as a master of slaves.
	Master *Master `json:"master,omitempty"`

	// What the station pulls as a slave of masters. It may be both.
	Slave *Slave `json:"slave,omitempty"`

	// What is to happen upon events of all mounts and of the station.
	On []*hook.Hook `json:"on,omitempty"`

	// A program that runs when a source connects, with the mount as its
	// argument; short for a hook.
	OnConnect string `json:"on_connect,omitempty"`

	// A program that runs when a source is gone, with the mount as its
	// argument.
	OnDisconnect string `json:"on_disconnect,omitempty"`
}

// Limits bounds what a station serves. Zero is no limit, and the default of a
// mount's setting.
type Limits struct {
	// Listeners at a time, on all mounts together.
	Listeners int `json:"listeners,omitempty"`

	// Sources at a time.
	Sources int `json:"sources,omitempty"`

	// How many kbit/s may go to all listeners together, by the bitrates of what
	// they hear.
	Bandwidth int `json:"bandwidth,omitempty"`

	// Listeners at a time from one address, or of IPv6 from one network of 64
	// bits.
	PerIP int `json:"per_ip,omitempty"`

	// How long a source may be silent before it is gone. Default: 10s.
	SourceTimeout caddy.Duration `json:"source_timeout,omitempty"`

	// How many bytes a listener may be behind before it is dropped. Default:
	// 524288 (512KiB).
	Queue int `json:"queue,omitempty"`

	// How much of the past a new listener gets at once. Default: 64KiB.
	Burst *Burst `json:"burst,omitempty"`

	// The longest that a byte waits for others to be written with. With few
	// listeners there is hardly any wait. Default: 250ms.
	Latency caddy.Duration `json:"latency,omitempty"`
}

// validate refuses values that no setting can mean.
func (s *Station) validate() error {
	if err := s.Limits.validate(); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	if err := setting.CheckHostname(s.Hostname); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, m := range s.Mounts {
		if err := m.checkPath(); err != nil {
			return err
		}
		if seen[m.Path] {
			return fmt.Errorf("mount %s: it is there twice; write all its settings into one block", m.Path)
		}
		seen[m.Path] = true
		if err := m.validate(); err != nil {
			return fmt.Errorf("mount %s: %w", m.Path, err)
		}
	}
	relayed := make(map[string]bool)
	for _, r := range s.Relays {
		if r == nil {
			return errors.New("a relay is null; it wants an object with a mount and upstreams")
		}
		if err := r.validate(); err != nil {
			return err
		}
		if relayed[r.Mount] {
			return fmt.Errorf("relay %s: it is there twice; write all its URLs into one line", r.Mount)
		}
		relayed[r.Mount] = true
	}
	return cmp.Or(s.Master.validate(), s.Slave.validate())
}

func (l *Limits) validate() error {
	return cmp.Or(
		setting.CheckRange("listeners", l.Listeners, math.MaxInt),
		setting.CheckRange("sources", l.Sources, math.MaxInt),
		setting.CheckRange("bandwidth", l.Bandwidth, setting.MaxBandwidth),
		setting.CheckRange("per_ip", l.PerIP, math.MaxInt),
		setting.CheckRange("source_timeout", l.SourceTimeout, math.MaxInt64),
		setting.CheckRange("queue", l.Queue, setting.MaxSize),
		l.Burst.validate(),
		setting.CheckRange("latency", l.Latency, maxLatency),
	)
}

// maxLatency is what sockets have room for.
const maxLatency = caddy.Duration(5 * time.Second)

// replacePlaceholders fills in what is known when the configuration is loaded,
// such as {env.NAME} and {file.PATH}.
func (s *Station) replacePlaceholders() error {
	repl := caddy.NewReplacer()
	for _, f := range []*string{&s.Name, &s.Location, &s.Contact, &s.Hostname} {
		*f = repl.ReplaceKnown(*f, "")
	}
	for _, m := range s.Mounts {
		if m == nil {
			return fmt.Errorf("a mount is null; it wants an object with a path")
		}
		for _, f := range []*string{&m.Name, &m.Description, &m.Genre, &m.URL} {
			*f = repl.ReplaceKnown(*f, "")
		}
		if m.Intro != nil {
			*m.Intro = repl.ReplaceKnown(*m.Intro, "")
		}
		if m.Dump != nil {
			m.Dump.Pattern = repl.ReplaceKnown(m.Dump.Pattern, "")
		}
	}
	return nil
}
