package caddymodule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/state"
)

// HLSGroup is one entry for several mounts with HLS, of which players choose one by their bandwidth, and
// change between them. A source should feed them all from one encoder.
type HLSGroup struct {
	// The path of the entry, which ends with `.m3u8`.
	Path string `json:"path"`

	// The mounts, the best first. Each has HLS, with segments of the same length. At most 16.
	Mounts []string `json:"mounts"`

	// The name, for players. Default: none.
	Name string `json:"name,omitempty"`
}

// checkHLSGroups returns an error for groups that cannot be.
func (s *Station) checkHLSGroups(mounts *mergedMounts) error {
	seen := make(map[string]bool)
	for i, g := range s.HLSGroups {
		if g == nil {
			return fmt.Errorf("hls_groups: entry %d is null; expected an object with a path and mounts", i+1)
		}
		if err := g.check(mounts); err != nil {
			return s.places.Wrap(g, fmt.Errorf("hls %s: %w", g.Path, err))
		}
		if seen[g.Path] {
			return s.places.Wrap(g, fmt.Errorf("hls %s: duplicate group; expected all its mounts in one block", g.Path))
		}
		seen[g.Path] = true
	}
	return nil
}

func (g *HLSGroup) check(mounts *mergedMounts) error {
	base, isEntry := strings.CutSuffix(g.Path, mountpath.HLSEntry)
	if err := mountpath.Check(g.Path); err != nil {
		return err
	}
	switch {
	case !isEntry || mountpath.IsPattern(g.Path):
		return fmt.Errorf("invalid path; expected one that ends with %s, such as /live%s", mountpath.HLSEntry, mountpath.HLSEntry)
	case mounts.names(g.Path):
		return fmt.Errorf("the path is that of a mount; expected another")
	case mounts.names(base) && mounts.get(base).HLS.options(base) != nil:
		return fmt.Errorf("the path is the entry of mount %s; expected another", base)
	case len(g.Mounts) == 0 || len(g.Mounts) > state.MaxHLSGroup:
		return fmt.Errorf("%d mounts; expected from 1 to %d", len(g.Mounts), state.MaxHLSGroup)
	}
	for i, path := range g.Mounts {
		first, merged := mounts.get(g.Mounts[0]), mounts.get(path)
		switch err := mountpath.Check(path); {
		case err != nil || mountpath.IsPattern(path):
			return fmt.Errorf("mounts: %q is not a mount; expected paths such as /live.aac", path)
		case slices.Index(g.Mounts, path) < i:
			return fmt.Errorf("mounts: duplicate mount %s", path)
		case merged.HLS.options(path) == nil:
			return fmt.Errorf("mounts: %s has no HLS; expected hls in a mount block for it", path)
		case merged.HLS.segment() != first.HLS.segment():
			return fmt.Errorf("mounts: %s has segments of %v, and %s of %v; expected one length", path, merged.HLS.segment(), g.Mounts[0], first.HLS.segment())
		}
	}
	return nil
}

// warnOfGroups logs groups of which only some mounts have a rewind.
func (r *resolver) warnOfGroups(log *zap.Logger) {
	for _, g := range r.station.HLSGroups {
		has := func(path string) bool { return r.mounts.get(path).HLS.Rewind > 0 }
		without := slices.IndexFunc(g.Mounts, func(path string) bool { return !has(path) })
		if without >= 0 && slices.ContainsFunc(g.Mounts, has) {
			log.Warn("an HLS group has no rewind, since not all of its mounts have one", zap.String("mount", g.Path), zap.String("without", g.Mounts[without]))
		}
	}
}

// hlsGroups translates the groups.
func (r *resolver) hlsGroups() (all []*state.HLSGroup) {
	for _, g := range r.station.HLSGroups {
		all = append(all, &state.HLSGroup{Path: g.Path, Name: g.Name, Mounts: slices.Clone(g.Mounts)})
	}
	return all
}

// otherVariants returns the other mounts of the groups of a mount, as origin.Options has them.
func (r *resolver) otherVariants(path string) string {
	var all []string
	for _, g := range r.station.HLSGroups {
		for _, other := range g.Mounts {
			if slices.Contains(g.Mounts, path) && other != path && !slices.Contains(all, other+"\n") {
				all = append(all, other+"\n")
			}
		}
	}
	return strings.Join(all, "")
}

// parseHLSGroup parses a group of mounts.
//
//	hls <path> {
//		mounts <mount>...
//		name   <text>
//	}
func parseHLSGroup(d *caddyfile.Dispenser, all *[]*HLSGroup, places *setting.Places) error {
	g := new(HLSGroup)
	places.Note(d, g)
	if !d.NextArg() {
		return d.Errf("hls: missing path; expected one, such as hls /live%s", mountpath.HLSEntry)
	}
	g.Path = d.Val()
	*all = append(*all, g)
	return setting.ParseBlock(d, "hls "+g.Path, setting.Directives{
		"mounts": setting.Texts(d, &g.Mounts, "/high.aac /low.aac"),
		"name":   setting.Text(d, &g.Name),
	})
}
