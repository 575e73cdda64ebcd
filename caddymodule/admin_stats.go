package caddymodule

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/streaming"
)

// serveStats answers all that is known of the station, and of all mounts or of one.
func (h *Handler) serveStats(w http.ResponseWriter, r *http.Request, q url.Values) error {
	only := q.Get("mount")
	if only != "" && !h.station.knows(only) {
		return response.Refuse(w, r, http.StatusBadRequest, "Source does not exist")
	}
	e := el("icestats", leaves(h.globalStats(r))...)
	base := h.station.baseURL(r)
	for _, m := range h.station.live.Mounts() {
		if only != "" && m.Path != only {
			continue
		}
		if source := sourceStatus(m, h.station.live.slaves, base); source != nil {
			h.station.addPrivate(source, m)
			e.children = append(e.children, element{name: "source", mount: m.Path, children: leaves(source)})
		}
	}
	return answerElement(w, r, e)
}

// globalStats are those of the station.
func (h *Handler) globalStats(r *http.Request) map[string]any {
	stats := h.station.live.Stats()
	status := h.stationStatus(r, nil)
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
		"stats":                     h.station.live.statsClients.Load(),
		"stats_connections":         h.station.live.statsConnections.Load(),
	})
	return status
}

// addPrivate adds what only the administrator is told of a mount.
func (s *Station) addPrivate(status map[string]any, m *streaming.Mount) {
	stats, settings := m.Stats(), m.Settings()
	if kind := s.authKind(m.Path); kind != "" {
		status["authenticator"] = kind
	}
	status["max_listeners"] = "unlimited"
	if settings.MaxListeners > 0 {
		status["max_listeners"] = settings.MaxListeners
	}
	stream, _ := m.Stream()
	status["public"] = 0
	if p := stream.Info.Public; p != nil && *p {
		status["public"] = 1
	}
	status["slow_listeners"] = stats.Slow
	status["listener_connections"] = stats.Connections
	status["slaves"] = stats.Slaves
	status["total_bytes_read"] = stats.BytesRead
	status["total_bytes_sent"] = stats.BytesSent
	if heard := m.Heard(); heard != "" {
		status["feed"] = fallback.Label(heard)
	}
	src := m.Source()
	if src == nil {
		return
	}
	status["source_ip"] = src.Addr
	if src.Upstream != "" {
		status["relay"] = src.Upstream
	}
	if agent := src.Info().UserAgent; agent != "" {
		status["user_agent"] = agent
	}
}

// servePublicStats answers what /status-json.xsl does, as XML or JSON.
func (h *Handler) servePublicStats(w http.ResponseWriter, r *http.Request, q url.Values) error {
	e := el("icestats", leaves(h.stationStatus(r, nil))...)
	base := h.station.baseURL(r)
	for _, m := range h.station.live.Mounts() {
		if only := q.Get("mount"); !isPublic(m) || only != "" && m.Path != only {
			continue
		}
		if source := sourceStatus(m, h.station.live.slaves, base); source != nil {
			e.children = append(e.children, element{name: "source", mount: m.Path, children: leaves(source)})
		}
	}
	return answerElement(w, r, e)
}

// serveMounts answers the mounts, and what becomes of their listeners.
func (h *Handler) serveMounts(w http.ResponseWriter, r *http.Request, _ url.Values) error {
	return answerElement(w, r, el("icestats", h.mountElements("")...))
}

// mountElements describes the mounts, but for one.
func (h *Handler) mountElements(but string) []element {
	var all []element
	for _, m := range h.station.live.Mounts() {
		stream, ok := m.Stream()
		if !ok || m.Path == but {
			continue
		}
		rule := h.station.rule(m.Path)
		var first string
		if i := slices.IndexFunc(rule.Fallbacks, func(f string) bool { return f[0] == '/' }); i >= 0 {
			first = rule.Fallbacks[i]
		}
		e := element{name: "source", mount: m.Path, children: []element{
			leaf("fallback", first),
			leaf("listeners", m.Stats().Listeners),
		}}
		if m.Source() != nil {
			e.children = append(e.children, leaf("Connected", int(time.Since(stream.Since)/time.Second)))
		}
		e.children = append(e.children, leaf("content-type", stream.Type))
		if kind := h.station.authKind(m.Path); kind != "" {
			e.children = append(e.children, leaf("authenticator", kind))
		}
		all = append(all, e)
	}
	return all
}

// overrideFallback puts a fallback in the place of those that a mount has, as long as
// this configuration is in force.
func (s *Station) overrideFallback(mount, to string) {
	s.overrides.Store(mount, to)
	s.live.logger().Info(fmt.Sprintf("the fallback of %s is %s until the next configuration", response.Printable(mount), response.Printable(to)))
	if d, ok := s.reign.settings.Director.(*fallback.Director); ok {
		d.Forget()
	}
	s.live.Reconsider()
}
