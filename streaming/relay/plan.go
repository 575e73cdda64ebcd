package relay

import (
	"maps"
	"slices"
)

// merge returns the configuration of each mount. The station's own relays take precedence
// over those that a master offers, and earlier ones over later ones.
func merge(own, offered []Config) map[string]*Config {
	all := make(map[string]*Config, len(own)+len(offered))
	for _, configs := range [][]Config{own, offered} {
		for i := range configs {
			if c := &configs[i]; all[c.Mount] == nil {
				all[c.Mount] = c
			}
		}
	}
	return all
}

// plan is the difference between the relays that run and those that are configured, by
// their mounts.
type plan struct{ remove, update, start []string }

// newPlan compares the mounts of running and configured relays.
func newPlan[R, C any](running map[string]R, configured map[string]C) (p plan) {
	for _, mount := range slices.Sorted(maps.Keys(running)) {
		if _, ok := configured[mount]; ok {
			p.update = append(p.update, mount)
		} else {
			p.remove = append(p.remove, mount)
		}
	}
	for _, mount := range slices.Sorted(maps.Keys(configured)) {
		if _, ok := running[mount]; !ok {
			p.start = append(p.start, mount)
		}
	}
	return p
}
