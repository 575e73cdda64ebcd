package caddymodule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/streaming/hls/origin"
)

// HLS serves a mount by HTTP Live Streaming as well: its entry is the path of the mount with
// `.m3u8` after it.
type HLS struct {
	// Whether there is none, even if a matching pattern has it. Default: false.
	Off bool `json:"off,omitempty"`

	// The length of segments, from 1s to 20s. Listeners are about three segments behind the
	// source. Default: 6s.
	Segment caddy.Duration `json:"segment,omitempty"`

	// The number of segments in the playlist, from 3 to 1000. Default: 10.
	Playlist int `json:"playlist,omitempty"`

	// The longest part of a segment, from 500ms to half of a segment. Players of low latency load
	// parts, and are three of them behind the source. Mounts with MP3 or MPEG-TS have no parts.
	// Default: 0, there are none.
	LowLatency caddy.Duration `json:"low_latency,omitempty"`

	// The container of AAC: `packed`, as the encoder sends it, or `fmp4`. Other codecs have
	// one container each. Default: `packed`.
	Container string `json:"container,omitempty"`

	// How far listeners can go back, from 1m to 24h, in a second list: that of the address of
	// the entry with `?rewind` after it. The list is made as long as there is a source, also while
	// nobody listens. Default: 0, there is none.
	Rewind caddy.Duration `json:"rewind,omitempty"`

	// The folder of the segments of that list, which outlasts a restart of the server there. It is
	// made. Default: none, the segments are in memory, 512 MiB for a mount at most.
	RewindFolder string `json:"rewind_folder,omitempty"`

	// How titles are told: `id3` in the sound, `daterange` in playlists, `both`, or `off`. Default:
	// `id3`.
	Metadata string `json:"metadata,omitempty"`

	// How long caches may keep playlists, in whole seconds, and half a segment at most. Listeners by
	// HLS are not counted then, and no limit holds for them. Not for mounts with listener
	// authentication, `require_tls`, or limits of listeners of their own. Default: 0, not at all.
	CachePlaylists caddy.Duration `json:"cache_playlists,omitempty"`

	// The URL of a cache, such as `https://cdn.example.org`, that segments are loaded from. The path
	// of the mount is appended. Playlists are loaded from here, so that listeners are counted.
	// Default: none, segments are loaded from here.
	SegmentsFrom string `json:"segments_from,omitempty"`
}

const (
	defaultSegment         = 6 * time.Second
	minSegment, maxSegment = time.Second, 20 * time.Second
	defaultListed          = 10
	minListed, maxListed   = 3, 1000
	defaultPart, minPart   = time.Second, 500 * time.Millisecond
	minRewind, maxRewind   = time.Minute, 24 * time.Hour
	containerFMP4          = "fmp4"
	expectedSegment        = "a time from 1s to 20s, such as 6s"
	expectedListed         = "a number of segments from 3 to 1000, such as 10"
	expectedPart           = "a time from 500ms to half of a segment, such as 1s"
	expectedContainer      = "packed or fmp4"
	expectedMetadata       = "id3, daterange, both or off"
	expectedRewind         = "a time from 1m to 24h, such as 2h"
	usageLowLatency        = "low_latency, with a time after it or none"
	usageRewind            = "rewind <duration>, with memory or disk <folder> after it"
	usageHLS               = "hls alone, hls { … }, or hls off"
)

// validate returns an error for values that are out of range.
func (h *HLS) validate() error {
	if h == nil {
		return nil
	}
	switch segment := time.Duration(h.Segment); {
	case segment != 0 && (segment < minSegment || segment > maxSegment):
		return fmt.Errorf("hls: segment %v: out of range; expected %s", segment, expectedSegment)
	case h.Playlist != 0 && (h.Playlist < minListed || h.Playlist > maxListed):
		return fmt.Errorf("hls: playlist %d: out of range; expected %s", h.Playlist, expectedListed)
	case h.LowLatency != 0 && (time.Duration(h.LowLatency) < minPart || time.Duration(h.LowLatency) > h.segment()/2):
		return fmt.Errorf("hls: low_latency %v: out of range; expected %s", time.Duration(h.LowLatency), expectedPart)
	case !slices.Contains([]string{"", "packed", containerFMP4}, h.Container):
		return fmt.Errorf("hls: container %q: unknown; expected %s", h.Container, expectedContainer)
	case !slices.Contains([]string{"", "id3", "daterange", "both", "off"}, h.Metadata):
		return fmt.Errorf("hls: metadata %q: unknown; expected %s", h.Metadata, expectedMetadata)
	case h.Rewind != 0 && (time.Duration(h.Rewind) < minRewind || time.Duration(h.Rewind) > maxRewind):
		return fmt.Errorf("hls: rewind %v: out of range; expected %s", time.Duration(h.Rewind), expectedRewind)
	case h.RewindFolder != "" && h.Rewind == 0:
		return fmt.Errorf("hls: rewind_folder %s: there is no rewind; expected a time for it, such as 2h", h.RewindFolder)
	}
	return cmp.Or(h.checkCaching(), h.checkSegmentsFrom())
}

// segment returns the length of segments.
func (h *HLS) segment() time.Duration { return cmp.Or(time.Duration(h.Segment), defaultSegment) }

// options translates the settings for the mount at a path.
func (h *HLS) options(path string) *origin.Options {
	if h == nil || h.Off {
		return nil
	}
	return &origin.Options{
		Segment: h.segment(), Listed: cmp.Or(h.Playlist, defaultListed), Part: time.Duration(h.LowLatency), FMP4: h.Container == containerFMP4,
		Rewind: time.Duration(h.Rewind), Folder: h.RewindFolder,
		NoTags: h.Metadata == "daterange" || h.Metadata == "off", DateRanges: h.Metadata == "daterange" || h.Metadata == "both",
		CachePlaylists: time.Duration(h.CachePlaylists), SegmentsFrom: h.segmentsFrom(path),
	}
}

// parseHLS parses whether and how a mount is served by HLS.
//
//	hls [off] {
//		segment   <duration>
//		playlist  <number>
//		container packed|fmp4
//		low_latency [<duration>]
//		rewind    <duration> [memory|disk <folder>]
//		metadata  id3|daterange|both|off
//		cache     playlists <duration>
//		segments_from <url>
//	}
func parseHLS(d *caddyfile.Dispenser, to **HLS) error {
	if *to != nil {
		return d.Errf("duplicate directive hls")
	}
	h := new(HLS)
	*to = h
	if args := d.RemainingArgs(); len(args) > 0 {
		if h.Off = len(args) == 1 && args[0] == "off"; !h.Off {
			return setting.InvalidValue(d, "hls", strings.Join(args, " "), usageHLS)
		}
		return nil
	}
	parts := false
	err := setting.ParseBlock(d, "hls", setting.Directives{
		"segment":   setting.PositiveDuration(d, &h.Segment),
		"playlist":  setting.Count(d, &h.Playlist),
		"container": setting.Text(d, &h.Container),
		"rewind":    func() error { return parseRewind(d, h) },
		"low_latency": func() error {
			parts = true
			return parseLowLatency(d, h)
		},
		"metadata":      setting.Text(d, &h.Metadata),
		"cache":         func() error { return parseCache(d, h) },
		"segments_from": setting.Text(d, &h.SegmentsFrom),
	})
	if err != nil {
		return err
	}
	if parts && h.LowLatency == 0 {
		h.LowLatency = caddy.Duration(min(defaultPart, h.segment()/2))
	}
	if err := h.validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// parseLowLatency parses the length of parts, which may be left to the segments.
func parseLowLatency(d *caddyfile.Dispenser, h *HLS) error {
	switch args := d.RemainingArgs(); len(args) {
	case 0:
		return nil
	case 1:
		length, ok := setting.ParseDuration(args[0])
		if !ok || length == 0 {
			return setting.InvalidValue(d, "low_latency", args[0], expectedPart)
		}
		h.LowLatency = caddy.Duration(length)
		return nil
	default:
		return setting.InvalidValue(d, "low_latency", strings.Join(args, " "), usageLowLatency)
	}
}

// parseRewind parses how far listeners can go back, and where that is kept.
func parseRewind(d *caddyfile.Dispenser, h *HLS) error {
	args := d.RemainingArgs()
	switch {
	case len(args) == 1, len(args) == 2 && args[1] == "memory":
	case len(args) == 3 && args[1] == "disk" && args[2] != "":
		h.RewindFolder = args[2]
	default:
		return setting.InvalidValue(d, "rewind", strings.Join(args, " "), usageRewind)
	}
	length, ok := setting.ParseDuration(args[0])
	if !ok || length == 0 {
		return setting.InvalidValue(d, "rewind", args[0], expectedRewind)
	}
	h.Rewind = caddy.Duration(length)
	return nil
}
