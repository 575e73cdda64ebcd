package streaming

import "time"

// join returns the group that a new listener belongs to, counts it in there, and returns
// the stream that it is promised. The group is that of a follower, unless that is nil. It
// fails if there is nothing to hear or if a limit forbids it. Limits are checked and counted
// in one step.
func (st *Station) join(m *Mount, c Client, f *Follower, places *Places) (*listenerGroup, *Stream, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closedAt.Load() != nil {
		return nil, nil, ErrClosed
	}
	if limit := int64(st.settings.Load().MaxListeners); limit > 0 && !c.Slave && st.present.listeners() >= limit {
		m.publishFull(ErrStationFull)
		return nil, nil, ErrStationFull
	}
	if st.mounts[m.Path] == nil {
		st.mounts[m.Path] = m // it was dropped between Await and here
	}
	m = st.mounts[m.Path]
	defer st.dropIfUnused(m) // if there is no room
	st.startCounting(m)
	heard, _ := st.choose(m, promise{}, "")
	if f != nil {
		heard = f.group.heard()
	}
	if heard == nil || heard.stream == nil {
		return nil, nil, ErrNothing
	}
	if !c.Slave {
		if err := st.enterListener(m, heard, &c, places); err != nil {
			return nil, nil, err
		}
	}
	st.present.add(&c, 1)
	m.present.add(&c, 1)
	if n := m.present.listeners(); n > m.peak.Load() {
		m.peak.Store(n)
	}
	var g *listenerGroup
	if f != nil {
		g = f.group
	} else {
		g = m.groupFor(heard, c.Slave)
	}
	g.listeners++
	return g, heard.stream, nil
}

// enterListener checks the limits for a listener that is no slave, and counts its arrival.
// mu is held.
func (st *Station) enterListener(m, heard *Mount, c *Client, places *Places) error {
	if err := m.limitReached(heard); err != nil {
		m.publishFull(err)
		return err
	}
	now := time.Now()
	second := st.audience.IsSecond(m.Path, c.visitor(), now)
	if !second {
		if err := st.addresses.Enter(c.IP, st.settings.Load().PerIP); err != nil {
			return err
		}
	}
	places.use(m, c, second)
	st.audience.Enter(m.Path, c.visitor(), now)
	m.countArrival(c)
	st.totals.listeners.Add(1)
	m.full.Store(false)
	return nil
}

// leave counts a listener out.
func (g *listenerGroup) leave(c Client) {
	st := g.mount.station
	st.mu.Lock()
	defer st.mu.Unlock()
	g.mount.present.add(&c, -1)
	second := !c.Slave && st.audience.Leave(g.mount.Path, c.visitor(), time.Now())
	if !c.Slave && !second {
		st.addresses.Leave(c.IP)
	}
	g.mount.leaveQuota(&c, second)
	g.removeOne()
	st.present.add(&c, -1)
	st.noteDrained()
}

// groupFor returns the group of new listeners, or slaves, that hear a mount's stream. mu is held.
func (m *Mount) groupFor(heard *Mount, slaves bool) *listenerGroup {
	for g := range m.groups {
		if g.movedTo == "" && g.heard() == heard && g.promise == heard.stream.promise && g.slaves == slaves && !g.followed {
			return g
		}
	}
	g := newListenerGroup(m, heard.stream.promise, slaves, heard, nil)
	m.publishFallback()
	_, d := m.station.choose(m, g.promise, heard.Path) // a better one may have to be started
	m.station.prepare(d.StartOnDemand, d.Again)
	return g
}

// IsFull reports whether Admit would refuse a listener because of a limit that all
// listeners share.
func (m *Mount) IsFull() bool {
	st := m.station
	if limit := int64(st.settings.Load().MaxListeners); limit > 0 && st.Listeners() >= limit {
		return true
	}
	st.mu.RLock()
	defer st.mu.RUnlock()
	heard, _ := st.choose(m, promise{}, "")
	return m.limitReached(heard) != nil
}

// limitReached returns the limit of a mount or its station that leaves no room for one
// more listener of heard's stream, nil if there is room. mu is held.
func (m *Mount) limitReached(heard *Mount) error {
	settings := m.Settings()
	if limit := int64(settings.MaxListeners); limit > 0 && m.present.listeners() >= limit {
		return ErrMountFull
	}
	if heard == nil {
		return nil
	}
	if limit := settings.MaxBandwidth; limit > 0 && m.listenerKbps()+heard.sourceKbps() > limit {
		return ErrMountBandwidth
	}
	limit := m.station.settings.Load().MaxBandwidth
	if limit == 0 {
		return nil
	}
	sum := heard.sourceKbps()
	for _, m := range m.station.mounts {
		sum += m.listenerKbps()
	}
	if sum > limit {
		return ErrStationBandwidth
	}
	return nil
}

// listenerKbps returns how many kbit/s go to the listeners of a mount, slaves among them,
// by the bitrates of what they hear. mu is held.
func (m *Mount) listenerKbps() (sum int) {
	for g := range m.groups {
		if heard := g.heard(); heard != nil && g.listeners > 0 {
			sum += g.listeners * heard.sourceKbps()
		}
	}
	return sum
}
