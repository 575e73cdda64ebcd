package status

import (
	"cmp"
	"slices"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
)

// groupViews returns the HLS groups of which there are mounts among those that are shown.
func groupViews(g *state.Generation, mounts []mountView) (all []mountView) {
	for _, group := range g.HLSGroups {
		if g.Mount(group.Path) != nil { // a source is there, and is served
			continue
		}
		var v mountView
		for _, path := range group.Mounts {
			i := slices.IndexFunc(mounts, func(m mountView) bool { return m.Mount == path })
			if i < 0 {
				continue
			}
			m := &mounts[i]
			if v.Mounts == nil {
				link := "." + mountpath.Escape(group.Path)
				v = mountView{Mount: group.Path, Path: link, URL: m.URL, HLS: link, Name: cmp.Or(group.Name, group.Path[1:]), Type: m.Type, Song: m.Song, Rewind: groupReach(g, group)}
			}
			v.Mounts = append(v.Mounts, path)
			v.Listeners, v.Cluster = v.Listeners+m.Listeners, v.Cluster+m.Cluster
		}
		if v.Mounts != nil {
			all = append(all, v)
		}
	}
	return all
}

// groupReach returns how far players of a group can go back, in seconds: as far as in each of its mounts,
// also of those that are not shown.
func groupReach(g *state.Generation, group *state.HLSGroup) int {
	least := reach(g.Policy(group.Mounts[0]).HLS)
	for _, path := range group.Mounts[1:] {
		least = min(least, reach(g.Policy(path).HLS))
	}
	return least
}

// groupStatuses returns the public status of the HLS groups under names like Icecast's, which has no
// groups; of the one at a path, unless that is empty. statuses are those of all mounts.
func groupStatuses(g *state.Generation, r *request.Facts, statuses []streaming.MountStatus, only string) (all []map[string]any) {
	if len(g.HLSGroups) == 0 {
		return nil
	}
	for _, v := range newView(g, statuses).Mounts {
		if v.Mounts == nil || only != "" && v.Mount != only {
			continue
		}
		all = append(all, map[string]any{
			"listenurl": g.BaseURL(r) + mountpath.Escape(r.Prefix+v.Mount), "listeners": v.Listeners, "mounts": v.Mounts, "server_name": v.Name,
		})
	}
	return all
}
