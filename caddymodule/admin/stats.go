package admin

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/caddymodule/status"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/streaming"
)

// serveStats answers with all statistics of the station, and of all mounts or one.
func (c *Commands) serveStats(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	only := q.Get("mount")
	if only != "" && !c.station.Has(only) {
		return response.Refuse(http.StatusBadRequest, "Source does not exist")
	}
	e := el("icestats", c.roles()...)
	e.children = append(e.children, leaves(c.globalStats(r))...)
	for _, m := range c.station.Statuses() {
		if only != "" && m.Path != only {
			continue
		}
		if source := status.SourceStatus(&m, c.station.Slaves(), c.station.ListenURL(r, m.Path)); source != nil {
			c.addPrivate(source, &m)
			e.children = append(e.children, ofMount(m.Path, leaves(source)...))
		}
	}
	return answerElement(w, r, e)
}

// globalStats returns the statistics of the station.
func (c *Commands) globalStats(r *request.Facts) map[string]any {
	stats := c.station.Stats()
	status := status.StationStatus(c.station, r, nil)
	clients := stats.Listeners + stats.Slaves + int64(stats.Sources)
	maps.Copy(status, map[string]any{
		"client_connections":        stats.ListenerConnections + stats.SourceConnections,
		"clients":                   clients,
		"connections":               stats.ListenerConnections + stats.SourceConnections,
		"file_connections":          0,
		"listener_connections":      stats.ListenerConnections,
		"listeners":                 stats.Listeners,
		"slaves":                    stats.Slaves,
		"source_client_connections": stats.SourceConnections,
		"source_relay_connections":  stats.RelayConnections,
		"source_total_connections":  stats.SourceConnections + stats.RelayConnections,
		"sources":                   stats.Sources,
		"stats":                     c.station.StatsClients.Load(),
		"stats_connections":         c.station.StatsConnections.Load(),
	})
	if slaves := c.station.Slaves(); slaves.Any() {
		status["cluster_listeners"] = state.CountListeners(slaves, "", stats.Listeners).Cluster
	}
	if d := c.station.Draining(); d != nil {
		status["draining"] = int(max(0, time.Until(d.Until)) / time.Second) // seconds that are left
	}
	return status
}

// addPrivate adds the statistics of a mount that only the administrator may see.
func (c *Commands) addPrivate(status map[string]any, m *streaming.MountStatus) {
	if kind := c.station.Gate.Kind(m.Path); kind != "" {
		status["authenticator"] = kind
	}
	status["max_listeners"] = "unlimited"
	if m.Settings.MaxListeners > 0 {
		status["max_listeners"] = m.Settings.MaxListeners
	}
	status["public"] = 0
	if p := m.Stream.Info.Public; p != nil && *p {
		status["public"] = 1
	}
	status["slow_listeners"] = m.Stats.Slow
	status["listener_connections"] = m.Stats.Connections
	status["slaves"] = m.Stats.Slaves
	status["total_bytes_read"] = m.Stats.BytesRead
	status["total_bytes_sent"] = m.Stats.BytesSent
	if m.Playing != "" {
		status["feed"] = fallback.Label(m.Playing)
	}
	if m.Source == nil {
		return
	}
	status["source_ip"] = m.Source.Addr
	if m.Source.Upstream != "" {
		status["relay"] = m.Source.Upstream
	}
	if agent := m.Source.Info.UserAgent; agent != "" {
		status["user_agent"] = agent
	}
}

// servePublicStats answers with the content of /status-json.xsl, as XML or JSON.
func (c *Commands) servePublicStats(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	e := el("icestats", leaves(status.StationStatus(c.station, r, nil))...)
	for _, m := range c.station.Statuses() {
		if only := q.Get("mount"); !status.IsPublic(&m) || only != "" && m.Path != only {
			continue
		}
		if source := status.SourceStatus(&m, c.station.Slaves(), c.station.ListenURL(r, m.Path)); source != nil {
			e.children = append(e.children, ofMount(m.Path, leaves(source)...))
		}
	}
	return answerElement(w, r, e)
}

// serveMounts answers with the mounts, their first fallback and their listeners.
func (c *Commands) serveMounts(w http.ResponseWriter, r *request.Facts, _ url.Values) error {
	return answerElement(w, r, el("icestats", c.mountElements("")...))
}

// mountElements describes all mounts except one.
func (c *Commands) mountElements(except string) []element {
	var all []element
	for _, m := range c.station.Statuses() {
		if !m.OnAir || m.Path == except {
			continue
		}
		rule := c.station.Rule(m.Path)
		var first string
		if i := slices.IndexFunc(rule.Fallbacks, func(f string) bool { return f[0] == '/' }); i >= 0 {
			first = rule.Fallbacks[i]
		}
		e := ofMount(m.Path, leaf("fallback", first), leaf("listeners", m.Stats.Listeners))
		if m.Source != nil {
			e.children = append(e.children, leaf("Connected", int(time.Since(m.Stream.Since)/time.Second)))
		}
		e.children = append(e.children, leaf("content-type", m.Stream.Type))
		if kind := c.station.Gate.Kind(m.Path); kind != "" {
			e.children = append(e.children, leaf("authenticator", kind))
		}
		all = append(all, e)
	}
	return all
}
