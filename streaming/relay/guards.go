package relay

// guards are the masters that protect mounts, as of the last lists. They do not change.
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
			if len(l.protections) > 0 {
				one.clients = append(one.clients, masters[i].client)
			}
			g.byMount[l.mount] = one
		}
	}
	return g
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
