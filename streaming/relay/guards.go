package relay

// guards are the masters that protect mounts, as of the last lists. They do not change once a
// Manager has them.
type guards struct {
	byMount map[string]guard
}

// guard is how one mount is protected.
type guard struct {
	required []Protection
	clients  []*masterClient // of the masters that protect it, in their order
}

// newGuards returns the guards for the lists of some masters.
func newGuards(masters []*watcher, lists [][]listedUpstream, required map[string][]Protection) *guards {
	g := &guards{byMount: make(map[string]guard)}
	for i, list := range lists {
		for _, l := range list {
			if len(required[l.mount]) == 0 {
				continue
			}
			one := g.byMount[l.mount]
			one.required = required[l.mount]
			if len(l.protections) > 0 && i < len(masters) { // peers are not asked
				one.clients = append(one.clients, masters[i].client)
			}
			g.byMount[l.mount] = one
		}
	}
	return g
}

// keep adds the guards from before of mounts that are still pulled, though no list has them: a stream
// plays on for a while after its mount left the list, and before the first list of a master that
// is configured anew. They are of the masters as they are configured now; without one of them the
// mount has no listeners.
func (g *guards) keep(before *guards, masters []*watcher, required map[string][]Protection, isPulled func(mount string) bool) {
	if before == nil {
		return
	}
	for mount, old := range before.byMount {
		one, found := g.byMount[mount]
		if demanded, listed := required[mount]; len(one.clients) > 0 || listed && len(demanded) == 0 || !isPulled(mount) {
			continue
		}
		if !found {
			one.required = old.required
		}
		for _, w := range masters {
			if hasMaster(old.clients, w.client.master.URL) {
				one.clients = append(one.clients, w.client)
			}
		}
		g.byMount[mount] = one
	}
}

// of returns the masters to ask about a mount. g may be nil.
func (g *guards) of(mount string) []*masterClient {
	if g == nil {
		return nil
	}
	return g.byMount[mount].clients
}

// Required returns the protections that the masters demand for a mount, as of their last
// lists. It takes no lock.
func (m *Manager) Required(mount string) []Protection {
	g := m.guards.Load()
	if g == nil {
		return nil
	}
	return g.byMount[mount].required
}
