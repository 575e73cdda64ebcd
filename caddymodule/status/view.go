package status

import (
	"cmp"
	"slices"
	"time"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls/origin"
)

// mountView is a mount on the pages and in their events.
type mountView struct {
	Mount       string `json:"mount"`
	Path        string `json:"-"` // in a link of the page
	URL         string `json:"-"` // of the stream: Path, or another one that is set for the mount
	HLS         string `json:"-"` // of its playlist; empty: it has none
	Rewind      int    `json:"-"` // how far its player can go back, in seconds; 0: not at all
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Genre       string `json:"genre,omitempty"`
	Type        string `json:"type"`
	Bitrate     string `json:"bitrate,omitempty"`
	Song        string `json:"song"`
	state.ListenerCount

	Mounts []string `json:"mounts,omitempty"` // of an HLS group, which is heard as the first of them without HLS
}

// stationView is a station on the pages and in their events.
type stationView struct {
	Title    string `json:"-"`
	Location string `json:"-"`
	Contact  string `json:"-"`
	Nonce    string `json:"-"`
	Player   string `json:"-"` // the address of hls.js
	Token    string `json:"-"` // of the administrator's page; see auth.Verifier.NewPageToken
	state.ListenerCount

	Mounts []mountView `json:"mounts"`
}

// newView returns the public view of the station now.
func newView(g *state.Generation, statuses []streaming.MountStatus) stationView {
	v := stationView{
		Player: "." + mountpath.HLSScript,
		Title:  cmp.Or(g.Identity.Name, "Radio"), Location: g.Identity.Location, Contact: g.Identity.Contact,
		ListenerCount: state.CountListeners(g.Slaves(), "", g.Listeners()), Mounts: []mountView{},
	}
	seen := make(map[string]bool)
	for _, m := range statuses {
		if seen[m.Path] = m.OnAir && IsPublic(&m); seen[m.Path] {
			one := viewInfo(g, m.Path, m.Stream.Info, m.Stream.Type)
			one.Song = m.Metadata.Song()
			one.ListenerCount = state.CountListeners(g.Slaves(), m.Path, m.Stats.Listeners)
			v.Mounts = append(v.Mounts, one)
		}
	}
	for _, path := range slices.Concat(g.Watched(), g.Relayer().Mounts()) {
		set := &g.Policy(path).Engine
		if !seen[path] && !set.Hidden && !set.NoDirect && g.Offers(path) { // its fallback plays on demand
			seen[path] = true
			v.Mounts = append(v.Mounts, viewInfo(g, path, set.StreamInfo, set.StreamInfo.ContentType))
		}
	}
	v.Mounts = append(groupViews(g, v.Mounts), v.Mounts...)
	slices.SortStableFunc(v.Mounts, func(a, b mountView) int { return cmp.Compare(a.Mount, b.Mount) })
	return v
}

// viewInfo returns the view of a mount from its stream's info.
func viewInfo(g *state.Generation, path string, info streaming.Info, contentType string) mountView {
	policy, link := g.Policy(path), "."+mountpath.Escape(path)
	v := mountView{
		Mount:       path,
		Path:        link,
		URL:         cmp.Or(policy.ListenURL, link),
		Name:        cmp.Or(info.Name, path[1:]),
		Description: info.Description,
		Genre:       info.Genre,
		Type:        contentType,
		Bitrate:     info.Bitrate,
	}
	if policy.HLS != nil {
		v.HLS, v.Rewind = link+mountpath.HLSEntry, reach(policy.HLS)
	}
	return v
}

// reach returns how far a player can go back without coming near the end of the long list, where a
// pause would make it fall off: in tens of seconds, which a page's slider has.
func reach(o *origin.Options) int {
	const margin, step = 6, 10 // segments: players begin three of them behind the source
	return max(0, int((o.Rewind-margin*o.Segment)/time.Second)/step*step)
}
