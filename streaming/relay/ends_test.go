package relay

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/streaming"
)

// endsMaster is a master that notes the ends it gets.
type endsMaster struct {
	*httptest.Server
	mu       sync.Mutex
	refusals int // so many reports are refused first
	ends     map[string]int
}

func newEndsMaster(t *testing.T, refusals int) *endsMaster {
	m := &endsMaster{refusals: refusals, ends: make(map[string]int)}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		var report EndReport
		if r.URL.Path != EndedPath || user != "relay" || password != "pullme" || json.NewDecoder(r.Body).Decode(&report) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.refusals--; m.refusals >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		for _, e := range report.Ends {
			m.ends[e.Session]++
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *endsMaster) has(n int) func() bool {
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.ends) == n
	}
}

func TestEndsReachTheMasterThatAdmittedTheListener(t *testing.T) {
	first, second := newEndsMaster(t, 2), newEndsMaster(t, 0)
	m := managed(t, streaming.MountSettings{})
	m.Apply(Settings{Slave: &SlaveConfig{Masters: []Upstream{
		{URL: first.URL, User: "relay", Password: "pullme"}, {URL: second.URL, User: "relay", Password: "pullme"},
	}}})
	for i := range 3 {
		m.ListenerEnded(first.URL, End{strconv.Itoa(i), 1})
	}
	for i := range maxEndsAtOnce + 1 {
		m.ListenerEnded(second.URL, End{strconv.Itoa(i), 1})
	}
	m.ListenerEnded("http://former.example", End{"lost", 1})
	eventually.True(t, soon, "the first has its ends", first.has(3))
	eventually.True(t, soon, "the second has its ends", second.has(maxEndsAtOnce+1))
	for session, n := range first.ends {
		if n != 1 {
			t.Errorf("session %s has ended %d times", session, n)
		}
	}
	eventually.True(t, soon, "none is left", func() bool {
		m.ends.mu.Lock()
		defer m.ends.mu.Unlock()
		return len(m.ends.waiting) == 0
	})
}

func TestTheEndsOfTheLastMomentAreReported(t *testing.T) {
	master := newEndsMaster(t, 0)
	st := streaming.NewStation(func(*streaming.Listener) {}, func(streaming.FeedChange) {})
	m := NewManager(st, "test", func(Event) {})
	m.Apply(Settings{Slave: &SlaveConfig{Masters: []Upstream{{URL: master.URL, User: "relay", Password: "pullme"}}}})
	m.ListenerEnded(master.URL, End{"a", 1})
	eventually.True(t, soon, "one is reported", master.has(1))
	m.ListenerEnded(master.URL, End{"b", 1})
	if err := st.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.Close()
	m.ListenerEnded(master.URL, End{"late", time.Hour.Seconds()})
	if !master.has(2)() {
		t.Errorf("the master has %v; want a and b", master.ends)
	}
}
