package status

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/internal/version"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// The layouts in which Icecast writes times.
const (
	timeRFC = "Mon, 02 Jan 2006 15:04:05 -0700"
	timeISO = "2006-01-02T15:04:05-0700"
)

// serveJSON answers /status-json.xsl as Icecast does, but always as valid JSON: one mount is
// an object, several are an array, none is left out.
func (p *Pages) serveJSON(w http.ResponseWriter, r *request.Facts) error {
	only := r.URL.Query().Get("mount")
	var sources []map[string]any
	statuses := p.station.Statuses()
	for _, m := range statuses {
		if !IsPublic(&m) || only != "" && m.Path != only {
			continue
		}
		if status := SourceStatus(&m, p.station.Slaves(), p.station.ListenURL(r, m.Path)); status != nil {
			sources = append(sources, status)
		}
	}
	status := StationStatus(p.station, r, sources)
	if groups := groupStatuses(p.station, r, statuses, only); groups != nil {
		status["hls_groups"] = groups
	}
	body, err := json.Marshal(map[string]any{"icestats": status})
	if err != nil {
		return fmt.Errorf("rendering the status: %w", err)
	}
	return response.Answer(w, r.Request, http.StatusOK, "application/json; charset=utf-8", string(body))
}

// StationStatus returns the public status of a station. sources come from SourceStatus.
func StationStatus(g *state.Generation, r *request.Facts, sources []map[string]any) map[string]any {
	var host string
	if u, err := url.Parse(g.BaseURL(r)); err == nil {
		host = u.Hostname()
	}
	status := map[string]any{
		"admin":                g.Identity.Contact,
		"host":                 host,
		"location":             g.Identity.Location,
		"server_id":            version.ServerID,
		"server_start":         g.Started.Format(timeRFC),
		"server_start_iso8601": g.Started.Format(timeISO),
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

// IsPublic reports whether a mount is in public lists. A mount that only a listener has named
// is not, since anybody could write names there.
func IsPublic(m *streaming.MountStatus) bool { return !m.Settings.Hidden && !m.AdHoc }

// SourceStatus returns the public status of a mount under Icecast's names, nil without a stream.
func SourceStatus(m *streaming.MountStatus, slaves *relay.Slaves, listenURL string) map[string]any {
	if !m.OnAir {
		return nil
	}
	info := m.Stream.Info
	status := make(map[string]any)
	for _, v := range info.Audio {
		if name := ElementName(v.Key); !slices.Contains(ownKeys, name) {
			status[name] = number(v.Value)
		}
	}
	for name, text := range map[string]string{
		"artist":     m.Metadata.Artist,
		"audio_info": info.AudioInfo,
		"server_url": info.URL,
		"subtype":    info.Subtype,
		"title":      m.Metadata.Title,
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
		status["cluster_listeners"] = state.CountListeners(slaves, m.Path, m.Stats.Listeners).Cluster
	}
	status["listener_peak"] = m.Stats.Peak
	status["listeners"] = m.Stats.Listeners
	status["listenurl"] = listenURL
	status["server_description"] = cmp.Or(info.Description, "Unspecified description")
	status["server_name"] = cmp.Or(info.Name, "Unspecified name")
	status["server_type"] = m.Stream.Type
	status["stream_start"] = m.Stream.Since.Format(timeRFC)
	status["stream_start_iso8601"] = m.Stream.Since.Format(timeISO)
	return status
}

// ownKeys are the keys that a source's audio info cannot set: a source that claims another
// mount's name could make the administrator end that mount. Some are only for the administrator,
// or are children of an element.
var ownKeys = []string{
	"artist", "audio_info", "authenticator", "cluster_listeners", "feed", "genre", "listener", "listener_connections", "listener_peak",
	"listeners", "listenurl", "max_listeners", "mount", "public", "relay", "server_description", "server_name", "server_type",
	"server_url", "slaves", "slow_listeners", "source", "source_ip", "stream_start", "stream_start_iso8601", "subtype", "title",
	"total_bytes_read", "total_bytes_sent", "user_agent",
}

var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$`)

// number returns a text as a number if it is one.
func number(text string) any {
	if plainNumber.MatchString(text) {
		return json.Number(text)
	}
	return text
}

// ElementName turns a key of an encoder's audio info into a name for XML and for STATS lines.
func ElementName(name string) string {
	plain := func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}
	name = strings.Map(plain, name)
	if name == "" || strings.ContainsAny(name[:1], "-.0123456789") {
		return "_" + name
	}
	return name
}
