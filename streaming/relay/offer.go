package relay

import "slices"

// listedUpstream is a mount on a master's list, and the upstream it has there.
type listedUpstream struct {
	mount       string
	upstream    Upstream
	protections []Protection
}

// requiredProtections returns how each mount is to be protected: in all the ways in which
// one of the masters protects it, or did when it was offered before.
func requiredProtections(lists [][]listedUpstream, before []Config) map[string][]Protection {
	required := make(map[string][]Protection)
	for _, list := range lists {
		for _, l := range list {
			required[l.mount] = addProtections(required[l.mount], l.protections)
		}
	}
	for _, c := range before {
		required[c.Mount] = addProtections(required[c.Mount], c.protections)
	}
	return required
}

// offers returns a relay for each mount on the lists of some masters that the settings
// allow, with all masters that list it as upstreams, in their order.
func offers(settings *SlaveConfig, lists [][]listedUpstream, required map[string][]Protection) []Config {
	var all []Config
	index := make(map[string]int)
	for _, list := range lists {
		for _, l := range list {
			if !settings.allows(l.mount, required[l.mount]) {
				continue
			}
			i, ok := index[l.mount]
			if !ok {
				i = len(all)
				index[l.mount] = i
				all = append(all, Config{
					Mount: l.mount, OnDemand: settings.OnDemand, NoMetadata: settings.NoMetadata,
					Timeout: settings.Timeout, mirrored: true, isPeers: settings.IsPeer, protections: required[l.mount],
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
