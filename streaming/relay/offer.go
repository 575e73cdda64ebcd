package relay

import "slices"

// listedUpstream is a mount on a master's list, and the upstream it has there.
type listedUpstream struct {
	mount       string
	upstream    Upstream
	protections []Protection
}

// offers returns a relay for each mount on the lists of some masters that the settings
// allow, with all masters that list it as upstreams, in their order.
func offers(settings *SlaveConfig, lists [][]listedUpstream) []Config {
	var all []Config
	index := make(map[string]int)
	for _, list := range lists {
		for _, l := range list {
			if !matches(settings.Mounts, l.mount) || !settings.serves(l) {
				continue
			}
			i, ok := index[l.mount]
			if !ok {
				i = len(all)
				index[l.mount] = i
				all = append(all, Config{
					Mount: l.mount, OnDemand: settings.OnDemand, NoMetadata: settings.NoMetadata,
					Timeout: settings.Timeout, mirrored: true,
				})
			}
			all[i].Upstreams = append(all[i].Upstreams, l.upstream)
		}
	}
	return all
}

// keepOffers adds to some offers those made before, mounts and upstreams, if their mounts
// are still allowed.
func keepOffers(offered, before []Config, allowed func(mount string) bool) []Config {
	index := make(map[string]int, len(offered))
	for i, c := range offered {
		index[c.Mount] = i
	}
	for _, old := range before {
		i, ok := index[old.Mount]
		if !ok {
			if allowed(old.Mount) {
				offered = append(offered, old)
			}
			continue
		}
		for _, u := range old.Upstreams {
			if !slices.ContainsFunc(offered[i].Upstreams, u.same) {
				offered[i].Upstreams = append(offered[i].Upstreams, u)
			}
		}
	}
	return offered
}
