package relay

import "strings"

// UpstreamFor returns the URL at a master of a mount that this node pulls as a slave, for
// listeners that this node cannot serve: with their scheme if there is one, and at the master that
// the mount is pulled from now.
func (m *Manager) UpstreamFor(mount, scheme string) (url string, ok bool) {
	r := m.relay(mount)
	if r == nil || !r.settings.Load().mirrored {
		return "", false
	}
	playing, most := r.currentStatus().Upstream, 0
	for _, u := range r.settings.Load().Upstreams {
		if strings.Contains(u.URL, "?") { // of Icecast-KH, for slaves only
			continue
		}
		rank := 1
		if u.URL == playing {
			rank++
		}
		if strings.HasPrefix(u.URL, scheme+"://") {
			rank += 2
		}
		if rank > most {
			url, most = u.URL, rank
		}
	}
	return url, most > 0
}

// ReportSoon makes the slave report to its masters without waiting for its rhythm.
func (m *Manager) ReportSoon() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slave != nil {
		m.slave.pollNow()
	}
}
