package streaming

import (
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddycast/caddycast/streaming/format"
)

// A source may be held up between the moment at which it looked at the clock and
// that at which it gives notice.
func TestANoticeThatComesLateWakesTheShard(t *testing.T) {
	st := NewStation(func(*Listener) {}, nil)
	s := newShard(st)
	s.load.Store(1)
	s.due.Store(int64(time.Hour))
	woken := make(chan bool)
	go func() { woken <- s.wait(time.NewTimer(0), time.Now()) }()
	eventually.True(t, patience, "the shard sleeps until the next round", func() bool { return s.due.Load() == 0 })
	s.notify(time.Second)
	select {
	case <-woken:
	case <-time.After(sweepInterval / 2):
		t.Error("it sleeps on")
	}
}

func TestBlockedSocketsAreNotTriedWithoutAPause(t *testing.T) {
	for _, latency := range []time.Duration{1, time.Millisecond, DefaultLatency, time.Hour} {
		st := NewStation(func(*Listener) {}, nil)
		st.Apply(&Settings{Latency: latency})
		s := newShard(st)
		s.behind = true
		if sleep := s.pace(time.Now()); sleep < retryInterval-5*time.Millisecond || sleep > sweepInterval {
			t.Errorf("with a latency of %v: a shard that is behind sleeps for %v", latency, sleep)
		}
	}
}

func TestTurnsFollowTheNumberOfListeners(t *testing.T) {
	for _, tt := range []struct {
		served, woken int
		want          time.Duration
	}{
		{0, 0, minInterval},
		{100, 0, minInterval},
		{1000, 0, 208 * time.Millisecond},
		{0, 400, 208 * time.Millisecond},
		{5000, 0, DefaultLatency},
		{10000, 0, DefaultLatency - 20*time.Millisecond},
		{30000, 0, DefaultLatency - DefaultLatency/10},
	} {
		s := newShard(NewStation(func(*Listener) {}, nil))
		for range 50 { // it follows smoothly
			s.served, s.woken = tt.served, tt.woken
			s.pace(time.Now())
		}
		if diff := s.interval - tt.want; diff < -time.Millisecond || diff > time.Millisecond {
			t.Errorf("%d listeners, and %d with a goroutine: turns of %v, want %v", tt.served, tt.woken, s.interval, tt.want)
		}
	}
}

func TestMuchThatIsDueIsUrgent(t *testing.T) {
	m := &Mount{log: blocklog.New()}
	add := func(n int) bool {
		m.log.Add(format.Unit{Data: make([]byte, n), Start: true}, blocklog.NoMetadata)
		m.log.Flush()
		return m.isUrgent()
	}
	if add(flushBytes - 1) {
		t.Error("it is urgent too early")
	}
	if !add(1) {
		t.Error("it is not urgent")
	}
	m.served.Store(m.log.Tail().End())
	if add(100) {
		t.Error("it is urgent although all has just been served")
	}
}

// Who leaves a mount that is silent is noticed, also while others come.
func TestJoinsDoNotHideTheDeparted(t *testing.T) {
	st, ended := newTestStation(t, Settings{})
	e := connect(t, st, "/m", numbered.ContentType)
	e.send(10)
	gone := join(t, st, "/m", true, Client{})
	gone.readHead()
	_ = gone.Close()
	for end := time.Now().Add(patience); ; {
		join(t, st, "/m", true, Client{})
		join(t, st, "/m", true, Client{})
		select {
		case l := <-ended:
			if l != gone.Listener {
				t.Error("another one is gone")
			}
			return
		case <-time.After(silentAfter / 4):
		}
		if time.Now().After(end) {
			t.Fatal("nobody notices")
		}
	}
}

// Who stops reading while listeners go over to another log keeps alive what the
// old one gets from then on, and must not do so for long.
func TestWhoStallsAtASwitchIsTooSlow(t *testing.T) {
	a, b := blocklog.New(), blocklog.New()
	fill := func(l *blocklog.Log, n int) {
		l.Add(format.Unit{Data: make([]byte, n), Start: true}, blocklog.NoMetadata)
		l.Flush()
	}
	fill(a, 1000)
	first := blocklog.NewFeed(a, nil)
	second := first.Switch(b, make(blocklog.Heard))
	v := batch{feed: second, queue: 500}
	if v.tooSlow(first, 600, time.Time{}) {
		t.Error("400 bytes before the switch are not too much")
	}
	fill(a, 400)
	if !v.tooSlow(first, 600, time.Time{}) {
		t.Error("what the old log got since is not counted")
	}
	fill(b, 300)
	v.end = b.Tail().End()
	if !v.tooSlow(first, 700, time.Time{}) {
		t.Error("what the new log has is not counted")
	}
	if v.tooSlow(second, 0, time.Time{}) {
		t.Error("a cursor at the new log is not behind")
	}
}
