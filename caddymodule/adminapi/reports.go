package adminapi

import (
	"slices"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/internal/version"
	"github.com/caddycast/caddycast/streaming"
)

// StationReport is the report on a station.
type StationReport struct {
	Name                string         `json:"name"`
	Node                string         `json:"node"`
	Version             string         `json:"version"`
	Started             time.Time      `json:"started"`
	Listeners           int64          `json:"listeners"`
	AtSlaves            int            `json:"slave_listeners"`
	SlaveConnections    int64          `json:"slave_connections"`
	Sources             int            `json:"sources"`
	ListenerConnections uint64         `json:"listener_connections"`
	SourceConnections   uint64         `json:"source_connections"`
	RelayConnections    uint64         `json:"relay_connections"`
	Mounts              []MountReport  `json:"mounts"`
	Relays              []RelayReport  `json:"relays"`
	Slaves              []SlaveReport  `json:"slaves"`
	Masters             []MasterReport `json:"masters"`

	// Withheld has the mounts that a slave does not pull since their protection is missing here,
	// and what is missing.
	Withheld map[string]string `json:"withheld,omitempty"`

	Cluster *ClusterReport `json:"cluster,omitempty"` // of a node of a cluster
}

// MountReport is the report on a mount that has a source or listeners, or that the
// configuration names.
type MountReport struct {
	Station          string        `json:"station"`
	Mount            string        `json:"mount"`
	State            string        `json:"state"`
	Feed             string        `json:"feed,omitempty"` // the mount or the files that are heard
	Since            *time.Time    `json:"since,omitempty"`
	ContentType      string        `json:"content_type,omitempty"`
	SamplingRate     int           `json:"sampling_rate,omitempty"` // Hz
	Channels         int           `json:"channels,omitempty"`
	AudioChanged     int           `json:"audio_changed,omitempty"` // listeners that hear others than they began with
	Name             string        `json:"name,omitempty"`
	Artist           string        `json:"artist,omitempty"`
	Title            string        `json:"title,omitempty"`
	Song             string        `json:"song,omitempty"`
	Listeners        int64         `json:"listeners"`
	Peak             int64         `json:"listener_peak"`
	MaxListeners     int           `json:"max_listeners,omitempty"` // none: no limit
	Connections      int64         `json:"listener_connections"`
	Slow             int64         `json:"slow_listeners"`
	SlaveConnections int64         `json:"slave_connections"`
	AtSlaves         int           `json:"slave_listeners"`
	BytesRead        uint64        `json:"bytes_read"`
	BytesSent        uint64        `json:"bytes_sent"`
	Hidden           bool          `json:"hidden"`
	Source           *SourceReport `json:"source,omitempty"`
}

// SourceReport is the report on a source.
type SourceReport struct {
	IP        string    `json:"ip"`
	User      string    `json:"user,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	Upstream  string    `json:"upstream,omitempty"` // of a relay
	Since     time.Time `json:"since"`
	Bitrate   int64     `json:"bitrate"` // bit/s
}

// ListenerReport is the report on a listener.
type ListenerReport struct {
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

// ClusterReport is what a node of a cluster knows of the others.
type ClusterReport struct {
	Connected bool         `json:"connected"` // false: what follows is old
	Limits    string       `json:"limits"`    // cluster: they hold for all nodes; local: for this one alone
	Lapses    int          `json:"lapses"`    // how often they have become local
	Nodes     []NodeReport `json:"nodes"`
}

// NodeReport is the report on another node of the cluster.
type NodeReport struct {
	ID       string   `json:"id"`
	Host     string   `json:"host"`
	Region   string   `json:"region,omitempty"`
	Internal []string `json:"internal"`
	Sources  []string `json:"sources"` // mounts with a source there
	Pulled   []string `json:"pulled"`  // mounts that it pulls now
}

// RelayReport is the report on a relay.
type RelayReport struct {
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

// SlaveReport is the report on a slave.
type SlaveReport struct {
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

	Name     string    `json:"name,omitempty"` // of its own credentials
	Hub      string    `json:"hub,omitempty"`  // id of the slave that it is a slave of
	Reported time.Time `json:"reported"`       // when its last report arrived
	Sent     uint64    `json:"sent"`           // listeners sent there
	Refused  uint64    `json:"refused"`        // listeners refused there
	Drained  bool      `json:"drained"`
	State    string    `json:"state,omitempty"` // of its public URLs: verified, pending, failed
	Cause    string    `json:"cause,omitempty"` // why a URL failed
}

func listStations(q query) (any, error) {
	all := []StationReport{}
	for _, st := range q.stations {
		stats := st.Stats()
		all = append(all, StationReport{
			Name: st.StationName(), Node: st.Node(), Version: version.ServerID, Started: st.Started,
			Listeners: stats.Listeners, AtSlaves: st.Slaves().Listeners(""), SlaveConnections: stats.Slaves, Sources: stats.Sources,
			ListenerConnections: stats.ListenerConnections, SourceConnections: stats.SourceConnections,
			RelayConnections: stats.RelayConnections,
			Mounts:           reportMounts(st, q), Relays: reportRelays(st, q), Slaves: reportSlaves(st), Masters: reportMasters(st),
			Withheld: st.Withheld(), Cluster: reportCluster(st.Peer()),
		})
	}
	return all, nil
}

// reportCluster returns what a node knows of its cluster; nil: it has none.
func reportCluster(n *cluster.Node) *ClusterReport {
	if n == nil {
		return nil
	}
	r := &ClusterReport{Connected: n.IsConnected(), Limits: scopeOf(n), Lapses: n.Leases().Lapses(), Nodes: []NodeReport{}}
	for _, one := range n.Nodes() {
		r.Nodes = append(r.Nodes, NodeReport{one.ID, one.Host, one.Region, one.Internal, append([]string{}, one.Streams...), append([]string{}, one.Carried...)})
	}
	return r
}

// scopeOf returns for what the limits of a node hold now.
func scopeOf(n *cluster.Node) string {
	if n.Leases().AreShared() {
		return "cluster"
	}
	return "local"
}

func listMounts(q query) (any, error) {
	return gather(q, func(st *state.Station) []MountReport { return reportMounts(st, q) })
}

func listRelays(q query) (any, error) {
	return gather(q, func(st *state.Station) []RelayReport { return reportRelays(st, q) })
}

func listSlaves(q query) (any, error) {
	return gather(q, reportSlaves)
}

func listListeners(q query) (any, error) {
	return gather(q, func(st *state.Station) []ListenerReport { return reportListeners(st, q.Get("mount")) })
}

// gather joins the reports of the requested stations.
func gather[T any](q query, of func(*state.Station) []T) (any, error) {
	all := []T{}
	for _, st := range q.stations {
		all = append(all, of(st)...)
	}
	return all, nil
}

func reportMounts(st *state.Station, q query) []MountReport {
	all := []MountReport{}
	shown := make(map[string]bool)
	for _, m := range st.Statuses() {
		if shown[m.Path] = true; q.includes(m.Path) {
			all = append(all, reportMount(st, &m))
		}
	}
	for _, path := range st.Current().Watched() {
		if q.includes(path) && !shown[path] {
			all = append(all, MountReport{Station: st.StationName(), Mount: path, State: state.FeedNothing})
		}
	}
	slices.SortFunc(all, func(a, b MountReport) int { return strings.Compare(a.Mount, b.Mount) })
	return all
}

func reportMount(st *state.Station, m *streaming.MountStatus) MountReport {
	r := MountReport{
		Station: st.StationName(), Mount: m.Path, State: state.FeedState(m), Feed: fallback.Label(m.Playing),
		Artist: m.Metadata.Artist, Title: m.Metadata.Title, Song: m.Metadata.Song(),
		Listeners: m.Stats.Listeners, Peak: m.Stats.Peak, MaxListeners: m.Settings.MaxListeners,
		Connections: m.Stats.Connections, Slow: m.Stats.Slow, SlaveConnections: m.Stats.Slaves,
		AtSlaves: st.Slaves().Listeners(m.Path), BytesRead: m.Stats.BytesRead, BytesSent: m.Stats.BytesSent,
		Hidden: m.Settings.Hidden, AudioChanged: m.AudioChanged,
	}
	if m.OnAir {
		r.ContentType, r.Name, r.Since = m.Stream.Type, m.Stream.Info.Name, &m.Stream.Since
		r.SamplingRate, r.Channels = m.Stream.Audio().Rate, m.Stream.Audio().Channels
	}
	if src := m.Source; src != nil {
		r.Source = &SourceReport{
			IP: src.Addr, User: src.User, UserAgent: src.Info.UserAgent, Upstream: src.Upstream,
			Since: src.Since, Bitrate: int64(src.Bitrate),
		}
	}
	return r
}

func reportListeners(st *state.Station, mount string) []ListenerReport {
	present := st.Snapshot(mount)
	all := make([]ListenerReport, 0, len(present))
	for _, p := range present {
		c := p.Client
		all = append(all, ListenerReport{
			Station: st.StationName(), Mount: p.Mount().Path, ID: p.ID, IP: request.AddressText(c.IP), User: c.User, UserAgent: c.Agent,
			Referer: c.Referer, Protocol: c.Protocol, TLS: c.Encrypted, Slave: c.Slave, Since: p.Since, Bytes: p.Sent(),
			Lag: p.Behind,
		})
	}
	return all
}

func reportRelays(st *state.Station, q query) []RelayReport {
	all := []RelayReport{}
	for _, link := range st.Relayer().Statuses() {
		if !q.includes(link.Mount) {
			continue
		}
		r := RelayReport{
			Station: st.StationName(), Mount: link.Mount, State: link.State.String(), Since: link.Since, Upstream: link.Upstream,
			Cause: response.Printable(link.Cause), Failures: link.Failures, OnDemand: link.OnDemand, Mirrored: link.Mirrored,
		}
		if lag, ok := st.RelayLag(link); ok {
			r.Lag = new(lag.Seconds())
		}
		all = append(all, r)
	}
	return all
}

func reportSlaves(st *state.Station) []SlaveReport {
	all := []SlaveReport{}
	for _, s := range st.Slaves().List() {
		all = append(all, SlaveReport{
			Station: st.StationName(), ID: s.ID, IP: s.Addr, Public: append([]string{}, s.Public...), Since: s.Since, Expires: s.Expires,
			Listeners: s.Listeners, Capacity: s.Capacity, Kbps: s.Kbps, Mounts: s.Mounts,
			Name: s.Credential, Hub: s.Hub, Reported: s.Reported, Sent: s.AllSent, Refused: s.AllRefused, Drained: s.IsDrained,
			State: string(s.State), Cause: response.Printable(s.Cause),
		})
	}
	return all
}
