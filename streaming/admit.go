package streaming

import (
	"errors"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddycast/caddycast/streaming/format"
)

// Admit counts a new listener in, unless a limit forbids it. Of one that is not
// admitted, OnEnd is not called.
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
		m.tellFull(ErrStationFull)
		return nil, ErrStationFull
	}
	l, err := m.admit(c)
	if IsFull(err) && m.Settings().FallbackWhenFull {
		if other := m.admitOverflow(c); other != nil {
			l, err = other, nil
		}
	}
	if err != nil {
		st.listeners.Add(-1)
	}
	return l, err
}

// IsFull reports whether an error of Admit names a limit that all listeners of a mount or
// station share: their number or their bandwidth. Another mount, or another server, may
// still have room.
func IsFull(err error) bool {
	for _, limit := range []error{ErrMountFull, ErrMountBandwidth, ErrStationFull, ErrStationBandwidth} {
		if errors.Is(err, limit) {
			return true
		}
	}
	return false
}

// admitOverflow lets a listener in at a mount that takes those for whom this one
// has no place. It returns nil if there is none.
func (m *Mount) admitOverflow(c Client) *Listener {
	for _, path := range m.station.settings.Load().director().Overflow(m.Path) {
		if other := m.station.Mount(path); other != nil {
			if l, err := other.admit(c); err == nil {
				return l
			}
		}
	}
	return nil
}

func (m *Mount) admit(c Client) (*Listener, error) {
	st := m.station
	lane, stream, err := st.join(m, c)
	if err != nil {
		return nil, err
	}
	m = lane.mount
	settings := m.Settings()
	shard, err := st.pickShard(c)
	if err != nil {
		lane.leave(c)
		return nil, err
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
		mount: m, lane: lane, shard: shard,
	}
	l.Interval = m.interval(l.Stream().Type, c)
	l.cursor = blocklog.NewCursor(lane.playing.Load().Feed, l.Interval) // it hears what sounds now, however long its answer takes
	if intro := settings.intro(c, format.Family(stream.Type)); intro != nil {
		l.cursor = intro.Before(lane.playing.Load().Feed, l.Interval)
		l.introduce(l.Since, st.latency())
	}
	for _, limit := range []time.Duration{settings.MaxListenerDuration, admission.TimeLimit} {
		if deadline := l.Since.Add(limit); limit > 0 && !c.Slave && (l.deadline.IsZero() || deadline.Before(l.deadline)) {
			l.deadline = deadline
		}
	}
	return l, nil
}

// IsFull tells whether Admit would refuse a listener because of a limit that is not its
// own.
func (m *Mount) IsFull() bool {
	st := m.station
	if limit := int64(st.settings.Load().MaxListeners); limit > 0 && st.Listeners() >= limit {
		return true
	}
	st.mu.RLock()
	defer st.mu.RUnlock()
	heard, _ := st.choose(m, "", "")
	return m.room(heard) != nil
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
