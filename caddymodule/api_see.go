package caddymodule

import (
	"slices"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/internal/version"
	"github.com/caddycast/caddycast/streaming"
)

// stationReport is what the admin API tells of a station.
type stationReport struct {
	Name                string        `json:"name"`
	Node                string        `json:"node"`
	Version             string        `json:"version"`
	Started             time.Time     `json:"started"`
	Listeners           int64         `json:"listeners"`
	SlaveConnections    int64         `json:"slave_connections"`
	Sources             int           `json:"sources"`
	ListenerConnections uint64        `json:"listener_connections"`
	SourceConnections   uint64        `json:"source_connections"`
	RelayConnections    uint64        `json:"relay_connections"`
	Mounts              []mountReport `json:"mounts"`
	Relays              []relayReport `json:"relays"`
	Slaves              []slaveReport `json:"slaves"`
}

// mountReport is what it tells of a mount: one that lives, or that the configuration
// names.
type mountReport struct {
	Station          string            `json:"station"`
	Mount            string            `json:"mount"`
	State            string            `json:"state"`
	Feed             string            `json:"feed,omitempty"` // the mount or the files that are heard
	Since            *time.Time        `json:"since,omitempty"`
	ContentType      string            `json:"content_type,omitempty"`
	Name             string            `json:"name,omitempty"`
	Artist           string            `json:"artist,omitempty"`
	Title            string            `json:"title,omitempty"`
	Song             string            `json:"song,omitempty"`
	Listeners        int64             `json:"listeners"`
	Peak             int64             `json:"listener_peak"`
	MaxListeners     int               `json:"max_listeners,omitempty"` // none: no limit
	Connections      int64             `json:"listener_connections"`
	Slow             int64             `json:"slow_listeners"`
	SlaveConnections int64             `json:"slave_connections"`
	AtSlaves         int               `json:"slave_listeners"`
	BytesRead        uint64            `json:"bytes_read"`
	BytesSent        uint64            `json:"bytes_sent"`
	Hidden           bool              `json:"hidden"`
	Source           *sourceClientInfo `json:"source,omitempty"`
}

// sourceClientInfo is what it tells of a source.
type sourceClientInfo struct {
	IP        string    `json:"ip"`
	User      string    `json:"user,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	Upstream  string    `json:"upstream,omitempty"` // of a relay
	Since     time.Time `json:"since"`
	Bitrate   int64     `json:"bitrate"` // bit/s
}

type listenerReport struct {
	Station   string    `json:"station"`
	Mount     string    `json:"mount"`
	ID        uint64    `json:"id"`
	IP        string    `json:"ip"`
	User      string    `json:"user,omitempty"`
	UserAgent string    `json:"user_agent"`
	Referer   string    `json:"referer,omitempty"`
	Protocol  string    `json:"protocol"`
	TLS       bool      `json:"tls"`
	Slave     bool      `json:"slave"`
	Since     time.Time `json:"since"`
	Bytes     uint64    `json:"bytes"`
	Lag       uint64    `json:"lag"` // bytes
}

type relayReport struct {
	Station  string    `json:"station"`
	Mount    string    `json:"mount"`
	State    string    `json:"state"`
	Since    time.Time `json:"since"`
	Upstream string    `json:"upstream,omitempty"`
	Cause    string    `json:"cause,omitempty"`
	Failures int       `json:"failures"`
	OnDemand bool      `json:"on_demand"`
	Mirrored bool      `json:"mirrored"`
	Lag      *float64  `json:"lag,omitempty"` // seconds
}

type slaveReport struct {
	Station   string         `json:"station"`
	ID        string         `json:"id"`
	IP        string         `json:"ip"`
	Public    []string       `json:"public"`
	Since     time.Time      `json:"since"`
	Expires   time.Time      `json:"expires"`
	Listeners int            `json:"listeners"`
	Capacity  int            `json:"capacity,omitempty"`
	Kbps      int            `json:"kbps"`
	Mounts    map[string]int `json:"mounts"`
}

func seeStations(q apiQuery) (any, error) {
	all := []stationReport{}
	for _, l := range q.stations {
		stats := l.Stats()
		all = append(all, stationReport{
			Name: l.name, Node: l.node, Version: version.ServerID, Started: l.Started,
			Listeners: stats.Listeners, SlaveConnections: stats.Slaves, Sources: stats.Sources,
			ListenerConnections: stats.ListenerConnections, SourceConnections: stats.SourceConnections,
			RelayConnections: stats.RelayConnections,
			Mounts:           l.reportMounts(q), Relays: l.reportRelays(q), Slaves: l.reportSlaves(),
		})
	}
	return all, nil
}

func seeMounts(q apiQuery) (any, error) {
	return gather(q, func(l *live) []mountReport { return l.reportMounts(q) })
}

func seeRelays(q apiQuery) (any, error) {
	return gather(q, func(l *live) []relayReport { return l.reportRelays(q) })
}

func seeSlaves(q apiQuery) (any, error) {
	return gather(q, (*live).reportSlaves)
}

func seeListeners(q apiQuery) (any, error) {
	return gather(q, func(l *live) []listenerReport { return l.reportListeners(q.Get("mount")) })
}

// gather returns what is told of all the stations that are asked for.
func gather[T any](q apiQuery, of func(*live) []T) (any, error) {
	all := []T{}
	for _, l := range q.stations {
		all = append(all, of(l)...)
	}
	return all, nil
}

func (l *live) reportMounts(q apiQuery) []mountReport {
	all := []mountReport{}
	live := make(map[string]bool)
	for _, m := range l.Mounts() {
		if live[m.Path] = true; q.wants(m.Path) {
			all = append(all, l.reportMount(m))
		}
	}
	for _, path := range l.last.Load().named {
		if q.wants(path) && !live[path] {
			all = append(all, mountReport{Station: l.name, Mount: path, State: feedNothing})
		}
	}
	slices.SortFunc(all, func(a, b mountReport) int { return strings.Compare(a.Mount, b.Mount) })
	return all
}

func (l *live) reportMount(m *streaming.Mount) mountReport {
	stats, settings, meta := m.Stats(), m.Settings(), m.Metadata()
	r := mountReport{
		Station: l.name, Mount: m.Path, State: feedState(m), Feed: fallback.Label(m.Heard()),
		Artist: meta.Artist, Title: meta.Title, Song: meta.Song(),
		Listeners: stats.Listeners, Peak: stats.Peak, MaxListeners: settings.MaxListeners,
		Connections: stats.Connections, Slow: stats.Slow, SlaveConnections: stats.Slaves,
		AtSlaves: l.slaves.Listeners(m.Path), BytesRead: stats.BytesRead, BytesSent: stats.BytesSent,
		Hidden: settings.Hidden,
	}
	if stream, ok := m.Stream(); ok {
		r.ContentType, r.Name, r.Since = stream.Type, stream.Info.Name, &stream.Since
	}
	if src := m.Source(); src != nil {
		r.Source = &sourceClientInfo{
			IP: src.Addr, User: src.User, UserAgent: src.Info().UserAgent, Upstream: src.Upstream,
			Since: src.Since, Bitrate: int64(src.Bitrate()),
		}
	}
	return r
}

func (l *live) reportListeners(mount string) []listenerReport {
	present := l.Snapshot(mount)
	all := make([]listenerReport, 0, len(present))
	for _, p := range present {
		c := p.Client
		all = append(all, listenerReport{
			Station: l.name, Mount: p.Mount().Path, ID: p.ID, IP: response.AddressText(c.IP), User: c.User, UserAgent: c.Agent,
			Referer: c.Referer, Protocol: c.Protocol, TLS: c.Encrypted, Slave: c.Slave, Since: p.Since, Bytes: p.Sent(),
			Lag: p.Behind,
		})
	}
	return all
}

func (l *live) reportRelays(q apiQuery) []relayReport {
	all := []relayReport{}
	for _, link := range l.relays.Statuses() {
		if !q.wants(link.Mount) {
			continue
		}
		r := relayReport{
			Station: l.name, Mount: link.Mount, State: link.State.String(), Since: link.Since, Upstream: link.Upstream,
			Cause: response.Printable(link.Cause), Failures: link.Failures, OnDemand: link.OnDemand, Mirrored: link.Mirrored,
		}
		if lag, ok := relayLag(l, link); ok {
			r.Lag = new(lag.Seconds())
		}
		all = append(all, r)
	}
	return all
}

func (l *live) reportSlaves() []slaveReport {
	all := []slaveReport{}
	for _, s := range l.slaves.List() {
		all = append(all, slaveReport{
			Station: l.name, ID: s.ID, IP: s.Addr, Public: append([]string{}, s.Public...), Since: s.Since, Expires: s.Expires,
			Listeners: s.Listeners, Capacity: s.Capacity, Kbps: s.Kbps, Mounts: s.Mounts,
		})
	}
	return all
}
