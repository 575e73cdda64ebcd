package caddymodule

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/setting"
)

// parseCache parses how long caches may keep playlists.
func parseCache(d *caddyfile.Dispenser, h *HLS) error {
	args := d.RemainingArgs()
	if len(args) != 2 || args[0] != "playlists" {
		return setting.InvalidValue(d, "cache", strings.Join(args, " "), "playlists and a duration, such as cache playlists 2s")
	}
	keep, ok := setting.ParseDuration(args[1])
	if !ok || keep == 0 {
		return setting.InvalidValue(d, "cache playlists", args[1], "whole seconds, such as 2s")
	}
	h.CachePlaylists = caddy.Duration(keep)
	return nil
}

// checkCaching refuses a time in which players would miss a new segment.
func (h *HLS) checkCaching() error {
	keep, most := time.Duration(h.CachePlaylists), (h.segment() / 2).Truncate(time.Second)
	switch {
	case keep == 0:
		return nil
	case most == 0:
		return fmt.Errorf("hls: cache playlists %v: segments of %v are too short; expected no cache, or segments of 2s at least", keep, h.segment())
	case keep < 0 || keep%time.Second != 0 || keep > most:
		return fmt.Errorf("hls: cache playlists %v: out of range; expected whole seconds from 1s to %v, which is half a segment", keep, most)
	}
	return nil
}

// isCached reports whether caches may keep the playlists of a mount with these settings.
func (h *HLS) isCached() bool { return h != nil && !h.Off && h.CachePlaylists > 0 }

// checkCaching refuses caches for the playlists of mounts that not everybody may hear: a cache asks
// nobody. It refuses limits of their listeners, which nobody would count. hasAuth reports whether a
// module decides on the listeners of a mount.
func (s *Station) checkCaching(mounts *mergedMounts, hasAuth func(mount string) bool) error {
	for _, m := range s.Mounts {
		merged := mounts.get(m.Path)
		if !merged.HLS.isCached() {
			continue
		}
		for _, c := range []struct {
			name string
			set  bool
		}{
			{"auth", hasAuth(m.Path)},
			{"require_tls", setting.Is(merged.RequireTLS, true)},
			{"max_listeners", setting.Value(merged.MaxListeners) > 0},
			{"max_bandwidth", setting.Value(merged.MaxBandwidth) > 0},
			{"max_listener_duration", setting.Value(merged.MaxListenerDuration) > 0},
			{"allow of the station", s.Allow.IsRestricting()},
			{"per_ip of the station", s.Limits.PerIP > 0},
		} {
			if c.set {
				return s.places.Wrap(m, fmt.Errorf("mount %s: hls: cache playlists together with %s, which no cache observes; expected one of the two", m.Path, c.name))
			}
		}
	}
	return nil
}

// warnOfCaching logs what caching costs.
func (r *resolver) warnOfCaching(log *zap.Logger) {
	for _, m := range r.station.Mounts {
		if m.HLS.isCached() {
			log.Warn("listeners by HLS are not counted, since caches may keep the playlists", zap.String("mount", m.Path))
		}
	}
}

// checkSegmentsFrom refuses what names of files can't be appended to.
func (h *HLS) checkSegmentsFrom() error {
	if h.SegmentsFrom == "" || strings.Contains(h.SegmentsFrom, "{") || h.cdn() != nil { // a placeholder
		return nil
	}
	return fmt.Errorf("hls: segments_from %.200q: invalid; expected a URL without a query, such as https://cdn.example.org", h.SegmentsFrom)
}

// cdn returns the URL of the cache; nil: there is none, or it is invalid.
func (h *HLS) cdn() *url.URL {
	u, err := url.Parse(h.SegmentsFrom)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", strings.ContainsAny(u.Host, ";,'\""):
		return nil
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return nil
	}
	return u
}

// segmentsFrom returns what names of files of the mount at a path are appended to; empty: nothing.
func (h *HLS) segmentsFrom(path string) string {
	u := h.cdn()
	if u == nil {
		return ""
	}
	return strings.TrimRight(u.String(), "/") + mountpath.Escape(path) + mountpath.HLSFolder
}

// segmentOrigins returns the origins of all caches that segments are loaded from.
func (r *resolver) segmentOrigins() (all []string) {
	for _, m := range r.station.Mounts {
		if m.HLS == nil || m.HLS.Off {
			continue
		}
		if u := m.HLS.cdn(); u != nil {
			all = append(all, u.Scheme+"://"+u.Host)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
