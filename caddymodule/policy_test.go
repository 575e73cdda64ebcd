package caddymodule

import (
	"reflect"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/fallbacks"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/blocklog"
)

// engineSettings returns what the engine is set for a mount of a station.
func engineSettings(s *Station, path string) streaming.MountSettings {
	return (&resolver{station: s, mounts: newMergedMounts(s)}).policy(path).Engine
}

func TestWhatASettingSaysOverAPattern(t *testing.T) {
	pattern := &Mount{
		Path: "/*", Hidden: new(true), Takeover: new(true), Direct: new(false), Public: new(true),
		MaxListeners: new(5), MaxListenerDuration: new(caddy.Duration(time.Hour)),
		Linger: new(caddy.Duration(time.Minute)), Burst: &Burst{Bytes: 1}, MetadataInterval: new(8192),
	}
	exact := &Mount{
		Path: "/live.mp3", Hidden: new(false), Takeover: new(false), Direct: new(true), Public: new(false),
		MaxListeners: new(0), MaxListenerDuration: new(caddy.Duration),
		Linger: new(caddy.Duration), Burst: new(Burst), MetadataInterval: new(0),
	}
	s := &Station{Mounts: []*Mount{pattern, exact}}

	got := engineSettings(s, "/other.mp3")
	if want := (streaming.MountSettings{
		Hidden: true, Takeover: true, NoDirect: true, MaxListeners: 5, MaxListenerDuration: time.Hour,
		Linger: time.Minute, RelayLinger: time.Minute, Burst: blocklog.Burst{Bytes: 1}, MetadataInterval: 8192,
		StreamInfo: streaming.Info{Public: pattern.Public},
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("by the pattern alone: %+v\nwant %+v", got, want)
	}
	got = engineSettings(s, "/live.mp3")
	if want := (streaming.MountSettings{
		Named: true, NoBurst: true, MetadataInterval: -1, StreamInfo: streaming.Info{Public: exact.Public},
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("off and zero over the pattern: %+v\nwant %+v", got, want)
	}
}

func TestLimitsAreTheDefaultsOfMounts(t *testing.T) {
	s := &Station{
		Limits: Limits{
			Listeners: 7, Sources: 3, Latency: caddy.Duration(time.Second),
			Burst: &Burst{Time: caddy.Duration(5 * time.Second)}, Queue: 1 << 20, SourceTimeout: caddy.Duration(time.Minute),
		},
		Mounts: []*Mount{{Path: "/*.ogg", Queue: 2 << 20}, {Path: "/live.ogg", Burst: &Burst{Bytes: 4096}}},
	}
	for _, tt := range []struct {
		path string
		want streaming.MountSettings
	}{
		{"/live.mp3", streaming.MountSettings{RelayLinger: relayLinger, Queue: 1 << 20, SourceTimeout: time.Minute, Burst: blocklog.Burst{Time: 5 * time.Second}}},
		{"/some.ogg", streaming.MountSettings{RelayLinger: relayLinger, Queue: 2 << 20, SourceTimeout: time.Minute, Burst: blocklog.Burst{Time: 5 * time.Second}}},
		{"/live.ogg", streaming.MountSettings{Named: true, RelayLinger: relayLinger, Queue: 2 << 20, SourceTimeout: time.Minute, Burst: blocklog.Burst{Bytes: 4096}}},
	} {
		if got := engineSettings(s, tt.path); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v\nwant %+v", tt.path, got, tt.want)
		}
	}
}

// backup is a fallback to one mount.
type backup struct{ fallbacks.Module }

func (backup) Targets(string) []string { return []string{"/auto.mp3"} }

func TestListenersOfARelayWaitLessIfThereIsAFallback(t *testing.T) {
	plain, safe, patient := &Mount{Path: "/plain.mp3"}, &Mount{Path: "/safe.mp3"}, &Mount{Path: "/patient.mp3", Linger: new(caddy.Duration(time.Minute))}
	s := &Station{Mounts: []*Mount{plain, safe, patient}}
	r := &resolver{station: s, mounts: newMergedMounts(s), fallbacks: map[*Mount][]fallbacks.Module{safe: {backup{}}, patient: {backup{}}}}
	for path, want := range map[string]time.Duration{"/plain.mp3": relayLinger, "/safe.mp3": 2 * time.Second, "/patient.mp3": time.Minute} {
		if got := r.policy(path).Engine.RelayLinger; got != want {
			t.Errorf("%s: %v; want %v", path, got, want)
		}
	}
}

func TestTheBitrateThatListenersAreTold(t *testing.T) {
	s := &Station{Mounts: []*Mount{{Path: "/live.mp3", Bitrate: 128}, {Path: "/other.mp3"}}}
	if got := engineSettings(s, "/live.mp3").StreamInfo.Bitrate; got != "128" {
		t.Errorf("%q; want 128", got)
	}
	if got := engineSettings(s, "/other.mp3").StreamInfo.Bitrate; got != "" {
		t.Errorf("%q; want what the source says", got)
	}
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern, path string
		fits          bool
	}{
		{"/*.ogg", "/live.ogg", true},
		{"/*.ogg", "/.ogg", true},
		{"/*.ogg", "/dj/live.ogg", false},
		{"/*.ogg", "/live.ogg.mp3", false},
		{"/dj/*", "/dj/live.ogg", true},
		{"/dj/*", "/dj", false},
		{"/dj/*", "/dj/night/live.ogg", false},
		{"/*/*.ogg", "/dj/live.ogg", true},
		{"/live?", "/live1", true},
		{"/live?", "/live", false},
		{"/live[12]", "/live2", true},
		{"/live[12]", "/live3", false},
		{"/live.ogg", "/live.ogg", true},
		{"/live.ogg", "/LIVE.ogg", false},
		{"/*.ogg", "/*.ogg", true},
		{`/a\b`, `/a\b`, true}, // no pattern: a backslash alone makes none
	} {
		s := &Station{Mounts: []*Mount{{Path: tt.pattern, Hidden: new(true)}}}
		if got := engineSettings(s, tt.path).Hidden; got != tt.fits {
			t.Errorf("%s fits %s: %t; want %t", tt.pattern, tt.path, got, tt.fits)
		}
	}
}
