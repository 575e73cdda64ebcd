package streaming

import (
	"errors"
	"net/netip"
	"sync"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
)

// counted is a quota of some stations, which counts.
type counted struct {
	mu    sync.Mutex
	taken map[string]int
	limit map[string]int
}

func newCounted() *counted { return &counted{taken: make(map[string]int), limit: make(map[string]int)} }

func (c *counted) Take(kind, name string, limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit > 0 && c.taken[kind+" "+name] >= limit {
		return false
	}
	c.taken[kind+" "+name]++
	return true
}

func (c *counted) Return(kind, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken[kind+" "+name]--
}

func (c *counted) Add(kind, name string, places, limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken[kind+" "+name] += places
	c.limit[kind+" "+name] = limit
}

func (c *counted) check(t *testing.T, what string, want map[string]int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, n := range want {
		if c.taken[name] != n {
			t.Errorf("%s: %s has %d places; want %d", what, name, c.taken[name], n)
		}
	}
}

func TestStationsHaveLimitsTogether(t *testing.T) {
	shared := newCounted()
	settings := Settings{PerIP: 2, Mount: func(string) MountSettings { return MountSettings{MaxListeners: 3} }}
	var mounts []*Mount
	var stations []*Station
	for range 2 {
		st, _ := newTestStation(t, settings)
		m := newMount(st, "/m")
		m.goLive(numbered.ContentType)
		mounts, stations = append(mounts, m), append(stations, st)
	}
	client := func(ip, agent string) Client { return Client{IP: netip.MustParseAddr(ip), Agent: agent} }
	admit := func(at int, c Client) *Listener {
		t.Helper()
		l, err := mounts[at].Admit(c)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	early := admit(0, client("192.0.2.1", "a"))
	for _, st := range stations {
		st.Share(shared)
	}
	shared.check(t, "one was there", map[string]int{"mount /m": 1, "address 192.0.2.1": 1})
	first := admit(1, client("192.0.2.1", "VLC/3"))
	second := admit(1, client("192.0.2.1", "VLC/3")) // of the same person
	shared.check(t, "a person has two connections", map[string]int{"mount /m": 3, "address 192.0.2.1": 2})
	for ip, want := range map[string]error{"192.0.2.1": ErrMountFull, "192.0.2.2": ErrMountFull} {
		if _, err := mounts[0].Admit(client(ip, "a")); !errors.Is(err, want) || !IsShared(err) {
			t.Errorf("%s: %v; want %v", ip, err, want)
		}
	}
	second.Cancel()
	if _, err := mounts[0].Admit(client("192.0.2.1", "a")); !errors.Is(err, ErrTooManyFromAddress) || !IsShared(err) {
		t.Errorf("a third one of an address: %v", err)
	}
	last := admit(0, client("192.0.2.2", "a"))
	slave := admit(1, Client{Slave: true})
	settings.PerIP = 5
	stations[0].Apply(&settings)
	if got := shared.limit["address 192.0.2.1"]; got != 5 {
		t.Errorf("the limit of an address is %d; want the new one", got)
	}
	for _, l := range []*Listener{early, first, last, slave} {
		l.Cancel()
	}
	shared.check(t, "all have left", map[string]int{"mount /m": 0, "address 192.0.2.1": 0, "address 192.0.2.2": 0})
	stations[0].Share(nil)
	admit(0, client("192.0.2.1", "a")).Cancel()
	shared.check(t, "no longer together", map[string]int{"mount /m": 0})
	for _, m := range mounts {
		m.source = nil // there is none to wait for
	}
}
