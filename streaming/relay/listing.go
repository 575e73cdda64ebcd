package relay

// Listing is a mount that peers have.
type Listing struct {
	Mount       string
	Upstreams   []Upstream // at least one, the preferred one first
	Protections []Protection
}

// List takes the mounts that the peers have now, all of them. They are pulled as those of a master
// are; see SlaveConfig.IsPeer.
func (m *Manager) List(all []Listing) {
	var list []listedUpstream
	for _, l := range all {
		for _, u := range l.Upstreams {
			list = append(list, listedUpstream{l.Mount, u, l.Protections})
		}
	}
	m.listings.Store(&list)
	m.listed()
}

// Settle says that nothing is known of peers for now, unless List has been called.
func (m *Manager) Settle() {
	if m.listings.CompareAndSwap(nil, new([]listedUpstream)) {
		m.listed()
	}
}

// Unlist forgets the mounts of the peers, when the node has none any more.
func (m *Manager) Unlist() { m.listings.Store(nil) }

func (m *Manager) listed() {
	m.mu.Lock()
	s := m.slave
	m.mu.Unlock()
	if s != nil {
		m.listChanged(s)
	}
}
