package streaming

import (
	"errors"
	"time"
)

// Admit counts a new listener in, unless a limit forbids it. Of one that is not
// admitted, Over is not called.
func (m *Mount) Admit(c Client) (*Listener, error) {
	if m.Settings().NoDirect && !c.Slave {
		return nil, ErrNoDirect
	}
	st := m.station
	total := st.listeners.Add(1)
	if st.closedAt.Load() != nil { // counted first: Close waits for those who came before it
		st.listeners.Add(-1)
		return nil, ErrClosed
	}
	if limit := int64(st.settings.Load().MaxListeners); limit > 0 && !c.Slave && total-st.slaves.Load() > limit {
		st.listeners.Add(-1)
		return nil, ErrStationFull
	}
	l, err := m.admit(c)
	if errors.Is(err, ErrMountFull) && m.Settings().FallbackWhenFull {
		l, err = m.admitInstead(c)
	}
	if err != nil {
		st.listeners.Add(-1)
	}
	return l, err
}

// admitInstead lets a listener in at a mount that takes those for whom this one
// has no place.
func (m *Mount) admitInstead(c Client) (*Listener, error) {
	for _, path := range m.station.settings.Load().director().Instead(m.Path) {
		if other := m.station.Mount(path); other != nil {
			if l, err := other.admit(c); err == nil {
				return l, nil
			}
		}
	}
	return nil, ErrMountFull
}

func (m *Mount) admit(c Client) (*Listener, error) {
	st := m.station
	lane, stream := st.join(m)
	if lane == nil {
		return nil, ErrNothing
	}
	m = lane.mount
	settings := m.Settings()
	n := m.countIn(c)
	refuse := func(err error) (*Listener, error) {
		m.countOut(c)
		lane.leave()
		return nil, err
	}
	if limit := settings.MaxListeners; n > int64(limit) && limit > 0 && !c.Slave {
		if !m.full.Swap(true) {
			m.tell(Notice{Kind: MountFull})
		}
		return refuse(ErrMountFull)
	}
	shard, err := st.pickShard(c)
	if err != nil {
		return refuse(err)
	}
	if !c.Slave {
		for peak := m.peak.Load(); n > peak && !m.peak.CompareAndSwap(peak, n); peak = m.peak.Load() {
		}
		m.welcome(c)
		st.totals.listeners.Add(1)
		m.full.Store(false)
	}
	st.arrived()

	shard.load.Add(1)
	admission := c.Admission
	if admission == nil {
		admission = new(Admission)
	}
	id := admission.ID
	if id == 0 {
		id = st.NewID()
	}
	l := &Listener{
		ID: id, Client: c, Since: time.Now(), stream: stream,
		lane: lane, shard: shard,
	}
	l.Interval = m.interval(l.Stream().Type, c)
	l.cursor = newCursor(lane.feed.Load(), l.Interval) // it hears what sounds now, however long its answer takes
	for _, limit := range []time.Duration{settings.MaxListenerDuration, admission.TimeLimit} {
		if deadline := l.Since.Add(limit); limit > 0 && !c.Slave && (l.deadline.IsZero() || deadline.Before(l.deadline)) {
			l.deadline = deadline
		}
	}
	return l, nil
}

// IsFull tells whether Admit would refuse a listener because of a limit.
func (m *Mount) IsFull() bool {
	if limit := int64(m.Settings().MaxListeners); limit > 0 && m.listeners.Load() >= limit {
		return true
	}
	limit := int64(m.station.settings.Load().MaxListeners)
	return limit > 0 && m.station.Listeners() >= limit
}

// countIn counts a client in, and returns how many of its kind there are.
func (m *Mount) countIn(c Client) int64 {
	if c.Slave {
		m.station.slaves.Add(1)
	}
	return m.count(c, 1)
}

func (m *Mount) countOut(c Client) {
	if c.Slave {
		m.station.slaves.Add(-1)
	}
	m.count(c, -1)
}

// join returns the lane of those who come to a mount now, with one more listener,
// and what they are promised; nil if there is nothing to hear.
func (st *Station) join(m *Mount) (*lane, *Stream) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closedAt.Load() != nil {
		return nil, nil
	}
	if st.mounts[m.Path] == nil {
		st.mounts[m.Path] = m // it was dropped between Await and here
	}
	m = st.mounts[m.Path]
	st.count(m)
	heard, _ := st.choose(m, "", "")
	if heard == nil {
		return nil, nil
	}
	var l *lane
	for other := range m.lanes {
		if other.moved == "" && other.heard() == heard && other.typ == heard.own.kind {
			l = other
			break
		}
	}
	if l == nil {
		l = newLane(m, heard.own.kind, heard)
		m.tellStandIn()
	}
	l.listeners++
	return l, heard.own
}
