package caddymodule

import (
	"cmp"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
)

// mergedMounts merges the settings of a mount: its own, then those of matching patterns, field by
// field, then the station's defaults.
type mergedMounts struct {
	exact    map[string]*Mount
	patterns []*Mount
	defaults Mount
}

func newMergedMounts(s *Station) mergedMounts {
	all := mergedMounts{
		exact:    make(map[string]*Mount),
		defaults: Mount{Burst: s.Limits.Burst, Queue: s.Limits.Queue, SourceTimeout: s.Limits.SourceTimeout},
	}
	for _, m := range s.Mounts {
		all.exact[m.Path] = m
		if mountpath.IsPattern(m.Path) {
			all.patterns = append(all.patterns, m)
		}
	}
	return all
}

// names reports whether the configuration names a mount.
func (a *mergedMounts) names(path string) bool {
	return a.exact[path] != nil && !mountpath.IsPattern(path)
}

// get returns the merged settings of the mount at a path.
func (a *mergedMounts) get(path string) Mount {
	merged := Mount{Path: path}
	a.each(path, merged.fill)
	merged.fill(&a.defaults)
	return merged
}

// each calls do with the entries that apply to a mount, the strongest first.
func (a *mergedMounts) each(path string, do func(*Mount)) {
	exact := a.exact[path]
	if exact != nil {
		do(exact)
	}
	for _, m := range a.patterns {
		if m != exact && mountpath.Matches(m.Path, path) {
			do(m)
		}
	}
}

// fill sets the unset fields of m to those of d. Modules are left out, since each is loaded once
// for its entry: fallbacksOf, auth.Gate and hook.Plan decide between those of a mount and those
// of its patterns.
func (m *Mount) fill(d *Mount) {
	m.SourcePassword = cmp.Or(m.SourcePassword, d.SourcePassword)
	m.MaxListeners = cmp.Or(m.MaxListeners, d.MaxListeners)
	m.MaxListenerDuration = cmp.Or(m.MaxListenerDuration, d.MaxListenerDuration)
	m.MaxBandwidth = cmp.Or(m.MaxBandwidth, d.MaxBandwidth)
	m.Takeover = cmp.Or(m.Takeover, d.Takeover)
	m.RequireTLS = cmp.Or(m.RequireTLS, d.RequireTLS)
	m.SourceTLS = cmp.Or(m.SourceTLS, d.SourceTLS)
	m.Direct = cmp.Or(m.Direct, d.Direct)
	m.Hidden = cmp.Or(m.Hidden, d.Hidden)
	m.HiddenFromSlaves = cmp.Or(m.HiddenFromSlaves, d.HiddenFromSlaves)
	m.Linger = cmp.Or(m.Linger, d.Linger)
	m.FallbackWhenFull = cmp.Or(m.FallbackWhenFull, d.FallbackWhenFull)
	m.Override = cmp.Or(m.Override, d.Override)
	m.ReturnAfter = cmp.Or(m.ReturnAfter, d.ReturnAfter)
	m.Intro = cmp.Or(m.Intro, d.Intro)
	m.Burst = cmp.Or(m.Burst, d.Burst)
	m.Queue = cmp.Or(m.Queue, d.Queue)
	m.SourceTimeout = cmp.Or(m.SourceTimeout, d.SourceTimeout)
	m.Name = cmp.Or(m.Name, d.Name)
	m.Description = cmp.Or(m.Description, d.Description)
	m.Genre = cmp.Or(m.Genre, d.Genre)
	m.URL = cmp.Or(m.URL, d.URL)
	m.ListenURL = cmp.Or(m.ListenURL, d.ListenURL)
	m.Bitrate = cmp.Or(m.Bitrate, d.Bitrate)
	m.Public = cmp.Or(m.Public, d.Public)
	m.Type = cmp.Or(m.Type, d.Type)
	m.Subtype = cmp.Or(m.Subtype, d.Subtype)
	m.Titles = cmp.Or(m.Titles, d.Titles)
	m.Charset = cmp.Or(m.Charset, d.Charset)
	m.MetadataInterval = cmp.Or(m.MetadataInterval, d.MetadataInterval)
	m.HLS = cmp.Or(m.HLS, d.HLS)
	m.Dump = cmp.Or(m.Dump, d.Dump)
}
