package streaming

import "time"

// join returns the lane of those who come to a mount now, with one more listener,
// and what they are promised, unless there is nothing to hear or a limit forbids it.
// Limits are looked at and counted in one step, so that no crowd slips through.
func (st *Station) join(m *Mount, c Client) (*lane, *Stream, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closedAt.Load() != nil {
		return nil, nil, ErrNothing
	}
	if st.mounts[m.Path] == nil {
		st.mounts[m.Path] = m // it was dropped between Await and here
	}
	m = st.mounts[m.Path]
	st.count(m)
	heard, _ := st.choose(m, "", "")
	if heard == nil {
		return nil, nil, ErrNothing
	}
	if !c.Slave {
		if err := m.room(heard); err != nil {
			m.tellFull(err)
			return nil, nil, err
		}
		now := time.Now()
		if !st.audience.IsSecond(m.Path, c.visitor(), now) {
			if err := st.addresses.Enter(c.IP, st.settings.Load().PerIP); err != nil {
				return nil, nil, err
			}
		}
		st.audience.Enter(m.Path, c.visitor(), now)
		m.welcome(c)
		st.totals.listeners.Add(1)
		m.full.Store(false)
	}
	if n := m.countIn(c); !c.Slave && n > m.peak.Load() {
		m.peak.Store(n)
	}
	l := m.laneOf(heard)
	l.listeners++
	return l, heard.own, nil
}

// laneOf returns the lane of those who come to hear a mount's stream. mu is held.
func (m *Mount) laneOf(heard *Mount) *lane {
	for l := range m.lanes {
		if l.moved == "" && l.heard() == heard && l.typ == heard.own.kind {
			return l
		}
	}
	l := newLane(m, heard.own.kind, heard)
	m.tellStandIn()
	return l
}

// room returns why there is no place for one more listener who would hear a mount's
// stream, nil if there is. mu is held.
func (m *Mount) room(heard *Mount) error {
	settings := m.Settings()
	if limit := int64(settings.MaxListeners); limit > 0 && m.listeners.Load() >= limit {
		return ErrMountFull
	}
	if heard == nil {
		return nil
	}
	if limit := settings.MaxKbps; limit > 0 && m.kbps()+heard.sourceKbps() > limit {
		return ErrMountBandwidth
	}
	limit := m.station.settings.Load().MaxKbps
	if limit == 0 {
		return nil
	}
	sum := heard.sourceKbps()
	for _, m := range m.station.mounts {
		sum += m.kbps()
	}
	if sum > limit {
		return ErrStationBandwidth
	}
	return nil
}

// kbps returns how many kbit/s go to the listeners of a mount, slaves among them, by the
// bitrates of what they hear. mu is held.
func (m *Mount) kbps() (sum int) {
	for l := range m.lanes {
		if heard := l.heard(); heard != nil && l.listeners > 0 {
			sum += l.listeners * heard.sourceKbps()
		}
	}
	return sum
}

// leave counts a listener out.
func (l *lane) leave(c Client) {
	st := l.mount.station
	st.mu.Lock()
	defer st.mu.Unlock()
	l.mount.countOut(c)
	if !c.Slave && !st.audience.Leave(l.mount.Path, c.visitor(), time.Now()) {
		st.addresses.Leave(c.IP)
	}
	l.empty()
}
