package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/internal/version"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// The layouts in which Icecast writes times.
const (
	timeRFC = "Mon, 02 Jan 2006 15:04:05 -0700"
	timeISO = "2006-01-02T15:04:05-0700"
)

// serveStatus answers /status-json.xsl as Icecast does, but for what made it
// invalid there: one mount is an object, several are an array, none is nothing.
func (h *Handler) serveStatus(w http.ResponseWriter, r *http.Request) error {
	only := r.URL.Query().Get("mount")
	base := h.station.baseURL(r)
	var sources []map[string]any
	for _, m := range h.station.live.Mounts() {
		if !isPublic(m) || only != "" && m.Path != only {
			continue
		}
		if status := sourceStatus(m, h.station.live.slaves, base); status != nil {
			sources = append(sources, status)
		}
	}
	body, err := json.Marshal(map[string]any{"icestats": h.stationStatus(r, sources)})
	if err != nil {
		return fmt.Errorf("rendering the status: %w", err)
	}
	return response.Answer(w, r, http.StatusOK, "application/json; charset=utf-8", string(body))
}

func (h *Handler) stationStatus(r *http.Request, sources []map[string]any) map[string]any {
	started := h.station.live.Started
	var host string
	if u, err := url.Parse(h.station.baseURL(r)); err == nil {
		host = u.Hostname()
	}
	status := map[string]any{
		"admin":                h.station.Contact,
		"host":                 host,
		"location":             h.station.Location,
		"server_id":            version.ServerID,
		"server_start":         started.Format(timeRFC),
		"server_start_iso8601": started.Format(timeISO),
	}
	switch len(sources) {
	case 0:
	case 1:
		status["source"] = sources[0]
	default:
		status["source"] = sources
	}
	return status
}

// sourceStatus returns what is public of a mount, nil if it is not on the air.
func sourceStatus(m *streaming.Mount, slaves *relay.Slaves, base string) map[string]any {
	stream, ok := m.Stream()
	if !ok {
		return nil
	}
	info, meta, stats := stream.Info, m.Metadata(), m.Stats()
	status := make(map[string]any)
	for _, v := range info.Audio {
		if name := elementName(v.Key); !slices.Contains(ownKeys, name) {
			status[name] = number(v.Value)
		}
	}
	for name, text := range map[string]string{
		"artist":     meta.Artist,
		"audio_info": info.AudioInfo,
		"server_url": info.URL,
		"subtype":    info.Subtype,
		"title":      meta.Title,
	} {
		if text != "" {
			status[name] = text
		}
	}
	if info.Bitrate != "" {
		status["bitrate"] = number(info.Bitrate)
	}
	status["genre"] = cmp.Or(info.Genre, "various")
	if slaves.Any() {
		status["cluster_listeners"] = stats.Listeners + int64(slaves.Listeners(m.Path))
	}
	status["listener_peak"] = stats.Peak
	status["listeners"] = stats.Listeners
	status["listenurl"] = base + mountpath.Escape(m.Path)
	status["server_description"] = cmp.Or(info.Description, "Unspecified description")
	status["server_name"] = cmp.Or(info.Name, "Unspecified name")
	status["server_type"] = stream.Type
	status["stream_start"] = stream.Since.Format(timeRFC)
	status["stream_start_iso8601"] = stream.Since.Format(timeISO)
	return status
}

// ownKeys are those that a source can't set by what it calls its audio info: a mount that
// said to be another one would have the administrator end that. Some are told to the
// administrator only, or stand for children of an element.
var ownKeys = []string{
	"artist", "audio_info", "authenticator", "cluster_listeners", "feed", "genre", "listener", "listener_connections", "listener_peak",
	"listeners", "listenurl", "max_listeners", "mount", "public", "relay", "server_description", "server_name", "server_type",
	"server_url", "slaves", "slow_listeners", "source", "source_ip", "stream_start", "stream_start_iso8601", "subtype", "title",
	"total_bytes_read", "total_bytes_sent", "user_agent",
}

var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$`)

// number makes a number of a text that is one.
func number(text string) any {
	if plainNumber.MatchString(text) {
		return json.Number(text)
	}
	return text
}
