package cluster

import (
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming/relay"
)

// station is a station of a test, as its node sees it.
type station struct {
	*Node
	engine *Memory
	config Config
	local  Local

	mu      sync.Mutex
	changes map[string]*Stream
	changed chan struct{}
	listed  map[string][]string // nodes that mounts are pulled from
	lists   int
	yielded []string
	reports map[string]int // by node
	fails   int            // messages that are to fail
	loses   int            // messages that are to be lost
	asks    int            // questions
	held    bool
	settled bool
}

// failing is an engine whose messages fail at times.
type failing struct {
	*Memory
	s *station
}

func (f failing) Publish(subject string, payload []byte) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if subject == subjectAsk {
		f.s.asks++
	}
	if f.s.loses > 0 {
		f.s.loses--
		return nil
	}
	if f.s.fails > 0 {
		f.s.fails--
		return ErrDisconnected
	}
	return f.Memory.Publish(subject, payload)
}

// startStation starts a node of a bus.
func startStation(t *testing.T, bus *Bus) *station {
	t.Helper()
	return startWith(t, bus.Engine())
}

// startPair starts two nodes of one bus.
func startPair(t *testing.T) (bus *Bus, a, b *station) {
	t.Helper()
	bus = NewBus()
	return bus, startStation(t, bus), startStation(t, bus)
}

// startCutOff starts a node whose engine is not connected.
func startCutOff(t *testing.T, bus *Bus) *station {
	t.Helper()
	e := bus.Engine()
	e.SetConnected(false)
	return startWith(t, e)
}

func startWith(t *testing.T, e *Memory) *station {
	t.Helper()
	s := newStation(t, e)
	s.start(t)
	return s
}

// start starts the node of a station.
func (s *station) start(t *testing.T) {
	t.Helper()
	node, err := Start(s.config, s.local)
	if err != nil {
		t.Fatal(err)
	}
	s.Node = node
}

// newStation returns a station whose node is not started yet.
func newStation(t *testing.T, e *Memory) *station {
	t.Helper()
	s := &station{engine: e, changes: make(map[string]*Stream), changed: make(chan struct{}), reports: make(map[string]int)}
	s.config = Config{Engine: failing{e, s}, Fanout: 2, Internal: []string{"http://10.0.0.1:8000"}}
	s.local = Local{
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
		Settle: func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.settled = true
		},
		Yield: func(mount string, _ int64) {
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
		Limits: func(bool, error) {},
		Warn:   func(text string, err error) { t.Errorf("%s: %v", text, err) },
	}
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
