package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/access"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/setting"
)

// Station is a set of mounts with one identity. Placeholders such as {env.NAME} and {file.PATH}
// are replaced when the configuration is loaded, in all texts but names of mounts and keywords.
type Station struct {
	// The name of the station, for its status pages.
	Name string `json:"name,omitempty"`

	// The location of the station, for its status pages.
	Location string `json:"location,omitempty"`

	// The contact of the operator, for status pages. Usually an email address.
	Contact string `json:"contact,omitempty"`

	// The host name in listen URLs, with a port if that is not the port of the
	// request. Default: the host of the request.
	Hostname string `json:"hostname,omitempty"`

	// The credentials of sources. Default user: `source`. Without it only mounts
	// with a password of their own accept a source.
	SourcePassword *auth.Credential `json:"source_password,omitempty"`

	// The credentials of slaves. Default user: `relay`. Default: no slave can log in.
	RelayPassword *auth.Credential `json:"relay_password,omitempty"`

	// The credentials of administrators. Default user: `admin`. Default: none can log in.
	AdminPassword *auth.Credential `json:"admin_password,omitempty"`

	// A folder with templates of the station's pages, status.html and admin.html.
	// Default: the templates that are part of the program.
	Templates string `json:"templates,omitempty"`

	// Clients that are refused. Default: none.
	Deny *access.Clients `json:"deny,omitempty"`

	// Clients that are allowed; all others are refused. If rules overlap, the most
	// specific network wins. Default: all clients are allowed.
	Allow *access.Clients `json:"allow,omitempty"`

	// Limits of the whole station, and the defaults of its mounts.
	Limits Limits `json:"limits,omitzero"`

	// Settings of single mounts and of patterns, in which a star stands for any
	// characters except slashes. The exact mount wins over patterns, and an earlier
	// pattern over a later one, field by field. A mount needs no entry to exist.
	Mounts []*Mount `json:"mounts,omitempty"`

	// Groups of mounts that players of HLS change between, by their bandwidth.
	HLSGroups []*HLSGroup `json:"hls_groups,omitempty"`

	// Mounts that are fed from other servers.
	Relays []*Relay `json:"relays,omitempty"`

	// The role of a master: what it does for its slaves.
	Master *Master `json:"master,omitempty"`

	// What carries the messages of the nodes of a cluster. Default: none.
	ClusterRaw json.RawMessage `json:"cluster,omitempty" caddy:"namespace=icecast.cluster inline_key=kind"`

	// The role of a peer: the station is a node of the cluster, without a master.
	Peer *Peer `json:"peer,omitempty"`

	// The role of a slave: what it pulls from its masters. A station may have both roles.
	Slave *Slave `json:"slave,omitempty"`

	// Hooks: actions upon events of the station and of all its mounts.
	On []*hook.Hook `json:"on,omitempty"`

	// The path of a program that runs when a source connects, with the mount as
	// its argument. Short for a hook. Default: none.
	OnConnect string `json:"on_connect,omitempty"`

	// The path of a program that runs when a source disconnects, with the mount as
	// its argument. Short for a hook. Default: none.
	OnDisconnect string `json:"on_disconnect,omitempty"`

	// How long the station is drained when the process is asked to end, before it ends. Default:
	// 0, its streams end at once.
	DrainOnStop caddy.Duration `json:"drain_on_stop,omitempty"`

	// Whether the server starts although another process listens on a port of the station's
	// sites. The system divides the connections between the two. Default: false.
	AllowSharedPort *bool `json:"allow_shared_port,omitempty"`

	places setting.Places
}

// Limits are the limits of a station, and defaults of its mounts. Zero means no limit, or the
// default of a setting.
type Limits struct {
	// The number of concurrent listeners, on all mounts together. Default: 0, no limit.
	Listeners int `json:"listeners,omitempty"`

	// The number of concurrent sources. Default: 0, no limit.
	Sources int `json:"sources,omitempty"`

	// The bandwidth of all listeners together in kbit/s, by the bitrates of their
	// streams. Default: 0, no limit.
	Bandwidth int `json:"bandwidth,omitempty"`

	// The number of concurrent listeners from one address; for IPv6, from one /64
	// network. Default: 0, no limit.
	PerIP int `json:"per_ip,omitempty"`

	// How long a source may be silent before it is disconnected. Default: 10s.
	SourceTimeout caddy.Duration `json:"source_timeout,omitempty"`

	// How many bytes a listener may be behind before it is disconnected. Default:
	// 524288 (512KiB).
	Queue int `json:"queue,omitempty"`

	// How much of the past stream a new listener gets at once. Default: 64KiB.
	Burst *Burst `json:"burst,omitempty"`

	// The longest delay of data that waits to be written together with later data. With few
	// listeners there is hardly any delay. Default: 250ms. At most 5s.
	Latency caddy.Duration `json:"latency,omitempty"`
}

// validate returns an error for values that are out of range.
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
			return fmt.Errorf("mount %s: duplicate mount; expected all its settings in one block", m.Path)
		}
		seen[m.Path] = true
		if err := m.validate(); err != nil {
			return fmt.Errorf("mount %s: %w", m.Path, err)
		}
	}
	if err := s.checkTogether(); err != nil {
		return err
	}
	relayed := make(map[string]bool)
	for i, r := range s.Relays {
		if r == nil {
			return fmt.Errorf("relays: entry %d is null; expected an object with a mount and upstreams", i+1)
		}
		if err := r.validate(); err != nil {
			return err
		}
		if relayed[r.Mount] {
			return fmt.Errorf("relay %s: duplicate relay; expected all its URLs in one line", r.Mount)
		}
		relayed[r.Mount] = true
	}
	return cmp.Or(s.Master.validate(), s.Slave.validate(), s.Peer.validate())
}

// checkTogether returns an error for settings that are right alone, but not together.
func (s *Station) checkTogether() error {
	merged := newMergedMounts(s)
	return cmp.Or(s.checkHLSGroups(&merged), s.checkSlaveNames(), s.checkCaching(&merged, func(string) bool { return false }), s.checkPeer())
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

// maxLatency bounds the data that waits for a socket.
const maxLatency = caddy.Duration(5 * time.Second)
