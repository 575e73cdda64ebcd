package cluster

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/streaming/relay"
)

// station is a station of a test, as its node sees it.
type station struct {
	*Node
	engine *Memory

	mu      sync.Mutex
	changes map[string]*Stream
	changed chan struct{}
	listed  map[string][]string // nodes that mounts are pulled from
	lists   int
	yielded []string
	reports map[string]int // by node
	held    bool
}

// startStation starts a node of a bus.
func startStation(t *testing.T, bus *Bus) *station {
	t.Helper()
	s := &station{engine: bus.Engine(), changes: make(map[string]*Stream), changed: make(chan struct{}), reports: make(map[string]int)}
	node, err := Start(Config{Engine: s.engine, Fanout: 2, Internal: []string{"http://10.0.0.1:8000"}}, Local{
		Host: "node", Identity: NewIdentity(),
		Report: func() relay.Report { return relay.Report{Mounts: map[string]int{}} },
		Streams: func() map[string]*Stream {
			s.mu.Lock()
			defer s.mu.Unlock()
			all := s.changes
			s.changes = make(map[string]*Stream)
			return all
		},
		Changed: func() <-chan struct{} {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.changed
		},
		Register: func(_ *relay.Credential, r relay.Report, _ string) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.reports[r.ID]++
			return nil
		},
		List: func(all []relay.Listing) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.lists++
			s.listed = make(map[string][]string)
			for _, l := range all {
				for _, u := range l.Upstreams {
					s.listed[l.Mount] = append(s.listed[l.Mount], u.Node)
				}
			}
		},
		Yield: func(mount string) {
			s.mu.Lock()
			s.yielded = append(s.yielded, mount)
			s.mu.Unlock()
			s.set(mount, nil)
		},
		Hold: func(hold bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.held = hold
		},
		Warn: func(text string, err error) { t.Errorf("%s: %v", text, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Node = node
	return s
}

// set changes a stream of the station.
func (s *station) set(mount string, stream *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes[mount] = stream
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *station) id() string { return s.local.Identity.ID }

// sources returns the mounts that are pulled from other nodes, and the first of these.
func (s *station) sources() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]string)
	for mount, nodes := range s.listed {
		all[mount] = nodes[0]
	}
	return all
}

func (s *station) has(t *testing.T, what string, want map[string]string) {
	t.Helper()
	if got := s.sources(); !maps.Equal(got, want) {
		t.Errorf("%s: pulled are %v; want %v", what, got, want)
	}
}

func now() int64 { return time.Now().UnixMilli() }

func TestNodesKnowEachOthersStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		a, b := startStation(t, bus), startStation(t, bus)
		defer b.Close()
		a.set("/live", local(now()))
		eventually.Advance(settleTime + changeGap)
		b.has(t, "after a second", map[string]string{"/live": a.id()})
		a.has(t, "the owner", map[string]string{})

		c := startStation(t, bus)
		defer c.Close()
		eventually.Advance(settleTime + changeGap)
		c.has(t, "a node that comes later", map[string]string{"/live": a.id()})

		if owner, ok := b.Claim("/live", "dj", true); ok || owner == "" {
			t.Errorf("another user may have the mount of %q: %v", owner, ok)
		}
		a.Close()
		eventually.Advance(2 * changeGap)
		b.has(t, "after the node has left", map[string]string{})
		b.set("/live", local(now()))
		eventually.Advance(3 * changeGap)
		c.has(t, "the encoder at another node", map[string]string{"/live": b.id()})
	})
}

func TestASourceThatTakesOverOwnsTheMount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		a, b := startStation(t, bus), startStation(t, bus)
		defer a.Close()
		defer b.Close()
		a.set("/live", local(now()))
		eventually.Advance(settleTime + changeGap)
		for _, turn := range []struct{ to, from *station }{{b, a}, {a, b}, {b, a}} {
			if _, ok := turn.to.Claim("/live", "", true); !ok {
				t.Fatal("it may not")
			}
			turn.to.set("/live", local(now()))
			eventually.Advance(5 * changeGap)
			turn.from.has(t, "the other one", map[string]string{"/live": turn.to.id()})
			turn.to.has(t, "the one that took over", map[string]string{})
		}
		if got := slices.Concat(a.yielded, b.yielded); len(got) != 3 {
			t.Errorf("ended sources: %v; want three", got)
		}
	})
}

func TestAPartitionHealsByTheRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		a, b := startStation(t, bus), startStation(t, bus)
		defer a.Close()
		defer b.Close()
		a.set("/both", local(now()))
		a.set("/one", local(now()))
		eventually.Advance(settleTime + changeGap)

		b.engine.SetConnected(false)
		eventually.Advance(time.Minute)
		b.has(t, "cut off", map[string]string{"/both": a.id(), "/one": a.id()})
		if !b.held || a.held {
			t.Error("the one that is cut off must hold what it knows, and the other one must not")
		}
		if _, ok := b.Claim("/both", "dj", false); !ok {
			t.Error("a node that is cut off takes no source")
		}
		b.set("/both", local(now()))
		eventually.Advance(time.Second)
		a.set("/one", nil)
		eventually.Advance(time.Second)

		b.engine.SetConnected(true)
		eventually.Advance(2 * time.Second)
		if !slices.Equal(b.yielded, []string{"/both"}) || len(a.yielded) > 0 {
			t.Errorf("ended sources: %v and %v; want that of the younger one", a.yielded, b.yielded)
		}
		b.has(t, "healed", map[string]string{"/both": a.id()})
		a.has(t, "healed", map[string]string{})
	})
}

func TestANodeThatIsSilentIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		a, b := startStation(t, bus), startStation(t, bus)
		defer a.Close()
		defer b.Close()
		a.set("/live", local(now()))
		eventually.Advance(settleTime + changeGap)
		a.engine.SetConnected(false)
		eventually.Advance(missedSigns + 2*announceInterval)
		b.has(t, "after the silence", map[string]string{})
		if _, ok := b.Claim("/live", "dj", false); !ok {
			t.Error("the mount of a node that is gone is not free")
		}
	})
}

func TestAFanoutIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		a, b := startStation(t, bus), startStation(t, bus)
		defer a.Close()
		defer b.Close()
		a.set("/live", local(now()))
		b.set("/live", carried(0))
		eventually.Advance(settleTime + changeGap)
		var ends []func()
		for range 2 {
			end, ok := a.Pull("/live")
			if !ok {
				t.Fatal("refused")
			}
			ends = append(ends, end)
		}
		if _, ok := a.Pull("/live"); ok {
			t.Error("a third node may pull")
		}
		c := startStation(t, bus)
		defer c.Close()
		eventually.Advance(settleTime + changeGap)
		c.has(t, "the owner is full", map[string]string{"/live": b.id()})
		for _, end := range ends {
			end()
		}
		eventually.Advance(2 * changeGap)
		c.has(t, "the owner has room", map[string]string{"/live": a.id()})
		end, _ := a.Pull("/live")
		end()
		a.set("/live", nil)
		eventually.Advance(2 * changeGap)
		c.has(t, "the stream ended with the last pull", map[string]string{})
	})
}
