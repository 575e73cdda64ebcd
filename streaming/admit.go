package streaming

import (
	"errors"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// Admit counts a new listener in, unless a limit forbids it. If it returns an error,
// Admission.OnEnd is not called.
func (m *Mount) Admit(c Client) (*Listener, error) {
	if m.Settings().NoDirect && !c.Slave {
		return nil, ErrNoDirect
	}
	l, err := m.admit(c, nil, nil)
	if IsFull(err) && !errors.Is(err, ErrStationFull) && m.Settings().FallbackWhenFull {
		if other := m.admitOverflow(c); other != nil {
			return other, nil
		}
	}
	return l, err
}

// admitOverflow admits a listener to a mount that takes those for which this one has no
// room. It returns nil if there is none.
func (m *Mount) admitOverflow(c Client) *Listener {
	for _, path := range m.station.settings.Load().director().Overflow(m.Path) {
		if other := m.station.Mount(path); other != nil {
			if l, err := other.admit(c, nil, nil); err == nil {
				return l
			}
		}
	}
	return nil
}

// admit counts a listener in, as a session of a follower if that is not nil. places are those that it
// has taken; nil: it takes them now.
func (m *Mount) admit(c Client, f *Follower, places *Places) (*Listener, error) {
	st := m.station
	if places == nil {
		own, err := m.reserve(&c)
		if err != nil {
			return nil, err
		}
		defer own.Release()
		places = &own
	}
	group, stream, err := st.join(m, c, f, places)
	if err != nil {
		return nil, err
	}
	shard, err := st.pickShard(c)
	if err != nil {
		group.leave(c)
		return nil, err
	}
	st.countArrival()
	shard.load.Add(1)
	l := &Listener{
		Client: c, Since: time.Now(), stream: stream,
		mount: group.mount, group: group, shard: shard,
	}
	if c.Admission != nil {
		l.ID = c.Admission.ID
	}
	if l.ID == 0 {
		l.ID = st.NewID()
	}
	if f == nil {
		l.setCursor()
	}
	l.setDeadline()
	return l, nil
}

// setCursor puts a new listener where its group is now, however long its answer takes, or
// at the beginning of the mount's intro.
func (l *Listener) setCursor() {
	m, feed := l.mount, l.group.playing.Load().Feed
	l.Interval = m.interval(l.Stream().Type, l.Client)
	l.cursor = blocklog.NewCursor(feed, l.Interval)
	if intro := m.Settings().intro(l.Client, l.stream.kind); intro != nil {
		l.cursor = intro.Before(feed, l.Interval)
		l.introduce(l.Since, m.station.latency())
	}
}

// setDeadline sets when a new listener is to end: by the mount's limit or by that of its
// authentication, whichever is earlier.
func (l *Listener) setDeadline() {
	if l.Client.Slave {
		return
	}
	limits := []time.Duration{l.mount.Settings().MaxListenerDuration, 0}
	if a := l.Client.Admission; a != nil {
		limits[1] = a.TimeLimit
	}
	for _, limit := range limits {
		if deadline := l.Since.Add(limit); limit > 0 && (l.deadline.IsZero() || deadline.Before(l.deadline)) {
			l.deadline = deadline
		}
	}
}
