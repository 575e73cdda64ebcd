package relay

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming"
)

// signal wakes those that wait for a condition, whenever it may have come true.
type signal struct {
	mu      sync.Mutex
	changed chan struct{}
}

var changes = signal{changed: make(chan struct{})}

func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *signal) send() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// upstream is a server of numbered frames.
type upstream struct {
	*httptest.Server
	asked atomic.Int64 // requests
	open  atomic.Int64 // answers in progress
	cut   chan struct{}
	quiet atomic.Bool // sends nothing more
}

// newUpstream answers after a while, and sends frames unless it is silent.
func newUpstream(t *testing.T, after time.Duration, silent bool) *upstream {
	t.Helper()
	u := &upstream{cut: make(chan struct{})}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.asked.Add(1)
		u.open.Add(1)
		changes.send()
		defer changes.send()
		defer u.open.Add(-1)
		select {
		case <-time.After(after): // a slow server
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", numbered.ContentType)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		for n := uint64(0); ; n++ {
			if !silent && !u.quiet.Load() {
				_, _ = w.Write(numbered.AppendFrame(nil, n, time.Now()))
				_ = http.NewResponseController(w).Flush()
			}
			select {
			case <-time.After(numbered.Duration): // its pace
			case <-u.cut:
				return
			case <-r.Context().Done():
				return
			}
		}
	}))
	t.Cleanup(u.Close)
	return u
}

// managed returns the manager of a new station.
func managed(t *testing.T, s streaming.MountSettings) *Manager {
	t.Helper()
	st := streaming.NewStation(func(*streaming.Listener) {}, func(streaming.FeedChange) {})
	st.Apply(&streaming.Settings{Mount: func(string) streaming.MountSettings { return s }})
	m := NewManager(st, "test", func(Event) { changes.send() })
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := st.Close(ctx); err != nil {
			t.Error(err)
		}
		m.Close()
	})
	return m
}

// pulls applies a relay for /m.
func (m *Manager) pulls(change func(*Config), urls ...string) {
	r := Config{Mount: "/m"}
	for _, u := range urls {
		r.Upstreams = append(r.Upstreams, Upstream{URL: u})
	}
	if change != nil {
		change(&r)
	}
	m.Apply(Settings{Relays: []Config{r}})
}

// within waits until a condition holds.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	end := time.After(limit)
	for {
		changed := changes.next()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-end:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

const soon = 10 * time.Second

func (m *Manager) plays(url string) func() bool {
	return func() bool {
		all := m.Statuses()
		return len(all) == 1 && all[0].State == Playing && all[0].Upstream == url
	}
}

func TestTheNextUpstreamPlaysAfterASilentOne(t *testing.T) {
	silent, good := newUpstream(t, 0, true), newUpstream(t, 0, false)
	m := managed(t, streaming.MountSettings{SourceTimeout: time.Second})
	m.pulls(nil, silent.URL, good.URL)
	within(t, soon, "the second plays", m.plays(good.URL))
	if n := silent.asked.Load(); n != 1 {
		t.Errorf("the silent one was asked %d times", n)
	}
}

// An attempt at a better upstream must not hold up the one that is needed now.
func TestABrokenStreamIsDialedWhileABetterUpstreamIs(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it accepts, and sends nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	good := newUpstream(t, 0, false)
	m := managed(t, streaming.MountSettings{})
	m.preferInterval = 50 * time.Millisecond
	accepted := make(chan struct{}, 10)
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			accepted <- struct{}{}
		}
	}()
	m.pulls(func(r *Config) { r.PreferFirst, r.Timeout = true, time.Hour }, "http://"+silent.Addr().String(), good.URL)
	within(t, soon, "the second plays", m.plays(good.URL))
	<-accepted
	<-accepted // by the search for a better upstream
	before := good.asked.Load()
	good.cut <- struct{}{}
	within(t, soon, "the second is asked again", func() bool { return good.asked.Load() > before })
}

func TestSettingsThatChangeDuringAnAttemptHold(t *testing.T) {
	old, next := newUpstream(t, time.Second, false), newUpstream(t, 0, false)
	m := managed(t, streaming.MountSettings{})
	m.pulls(nil, old.URL)
	within(t, soon, "the first is asked", func() bool { return old.asked.Load() > 0 })
	m.pulls(nil, next.URL)
	within(t, soon, "the second plays", m.plays(next.URL))
	within(t, soon, "the first is disconnected", func() bool { return old.open.Load() == 0 })
}

func TestARelayThatBecomesOnDemandEndsWithoutListeners(t *testing.T) {
	u := newUpstream(t, 0, false)
	m := managed(t, streaming.MountSettings{})
	m.pulls(nil, u.URL)
	within(t, soon, "it plays", m.plays(u.URL))
	m.pulls(func(r *Config) { r.OnDemand = true }, u.URL)
	within(t, 2*soon, "it is disconnected", func() bool { return u.open.Load() == 0 })
}

func TestAnAddedMasterInterruptsNoStream(t *testing.T) {
	var masters []Upstream
	var streams []*upstream
	hold := make(chan struct{}) // the first answers once, and then delays its answers
	for i := range 2 {
		u := newUpstream(t, 0, false)
		streams = append(streams, u)
		asked := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != ListPath {
				u.Config.Handler.ServeHTTP(w, r)
				return
			}
			if asked++; i == 0 && asked > 1 {
				select {
				case <-hold:
				case <-r.Context().Done():
				}
			}
			_, _ = w.Write([]byte("/m\n"))
		}))
		t.Cleanup(s.Close)
		masters = append(masters, Upstream{URL: s.URL})
	}
	m := managed(t, streaming.MountSettings{})
	t.Cleanup(func() { close(hold) })
	m.Apply(Settings{Slave: &SlaveConfig{Masters: masters[:1], Interval: time.Minute}})
	within(t, soon, "the first plays", m.plays(masters[0].URL+"/m"))
	m.Apply(Settings{Slave: &SlaveConfig{Masters: masters, Interval: time.Minute}})
	within(t, soon, "the second's list is known", func() bool {
		p := m.relay("/m")
		return p != nil && len(p.settings.Load().Upstreams) == 2
	})
	if !m.plays(masters[0].URL+"/m")() || streams[0].asked.Load() != 1 {
		t.Errorf("the relays are %+v", m.Statuses())
	}
}

// A mount that leaves the list may play on for a while. One that is protected must not.
func TestAMountThatBecomesProtectedEndsAtOnce(t *testing.T) {
	u := newUpstream(t, 0, false)
	var list atomic.Pointer[string]
	open, closed := "/m\n", "/m\tauth\n"
	list.Store(&open)
	master := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == ListPath {
			_, _ = w.Write([]byte(*list.Load()))
			return
		}
		u.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(master.Close)
	m := managed(t, streaming.MountSettings{})
	m.Apply(Settings{Slave: &SlaveConfig{Masters: []Upstream{{URL: master.URL}}, Interval: minPollGap}})
	within(t, soon, "it plays", m.plays(master.URL+"/m"))
	list.Store(&closed)
	within(t, leaveTime-time.Second, "it is disconnected", func() bool { return u.open.Load() == 0 })
}

func TestNothingIsDialedForAClosedStation(t *testing.T) {
	u := newUpstream(t, 0, false)
	st := streaming.NewStation(func(*streaming.Listener) {}, func(streaming.FeedChange) {})
	m := NewManager(st, "test", func(e Event) {
		changes.send()
		if e.Kind == Failed {
			t.Errorf("the event Failed: %s", e.Cause)
		}
	})
	m.pulls(nil, u.URL)
	within(t, soon, "it plays", m.plays(u.URL))
	if err := st.Close(t.Context()); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	m.Close()
	if n := u.asked.Load(); n != 1 {
		t.Errorf("it was dialed %d times", n)
	}
}

// Before, the silent one was dialed first, and 10 s of silence were waited for.
func TestAnUpstreamThatFallsSilentIsDialedLast(t *testing.T) {
	first, second := newUpstream(t, 0, false), newUpstream(t, 0, false)
	m := managed(t, streaming.MountSettings{SourceTimeout: time.Second})
	m.pulls(nil, first.URL, second.URL)
	within(t, soon, "the first plays", m.plays(first.URL))
	first.quiet.Store(true)
	within(t, soon, "the second plays", m.plays(second.URL))
	if n := first.asked.Load(); n != 1 {
		t.Errorf("the silent one was asked %d times; want once", n)
	}
}
