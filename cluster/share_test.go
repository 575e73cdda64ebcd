package cluster

import (
	"crypto/ed25519"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// set is what the nodes of a test share.
type set struct {
	mu  sync.Mutex
	all map[string]bool
}

func (s *set) Digest(time.Time) (sum uint64) {
	for _, text := range s.Known() {
		h := fnv.New64a()
		_, _ = h.Write(text)
		sum ^= h.Sum64()
	}
	return sum
}

func (s *set) Known() (all []json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range slices.Sorted(maps.Keys(s.all)) {
		all = append(all, json.RawMessage(text))
	}
	return all
}

func (s *set) Merge(entries []json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		s.all[string(e)] = true
	}
}

// sharing gives a station something to share, and takes its orders.
func (s *station) sharing() (*set, func() []string) {
	shared := &set{all: make(map[string]bool)}
	s.local.Shared = shared
	var mu sync.Mutex
	var obeyed []string
	s.local.Obey = func(o *Order) {
		mu.Lock()
		defer mu.Unlock()
		obeyed = append(obeyed, o.Kind)
	}
	return shared, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(obeyed)
	}
}

func (s *set) add(n *station, text string) Spread {
	entry := json.RawMessage(`"` + text + `"`)
	s.Merge([]json.RawMessage{entry})
	return n.Share([]json.RawMessage{entry})
}

func TestAllNodesHaveWhatTheyShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		a, b := newStation(t, bus.Engine()), newStation(t, bus.Engine())
		inA, _ := a.sharing()
		inB, _ := b.sharing()
		long := strings.Repeat("x", maxShareChunk/3)
		for i := range 10 {
			inA.Merge([]json.RawMessage{json.RawMessage(`"` + string(rune('a'+i)) + long + `"`)})
		}
		a.start(t)
		defer a.Close()
		b.start(t)
		defer b.Close()
		time.Sleep(3 * time.Second)
		check := func(what string) {
			t.Helper()
			if len(inA.Known()) == 0 || inA.Digest(time.Now()) != inB.Digest(time.Now()) {
				t.Errorf("%s: one has %d, one %d", what, len(inA.Known()), len(inB.Known()))
			}
		}
		check("of before")
		if got := inA.add(a, "1"); got != (Spread{Nodes: 1}) {
			t.Errorf("it goes to %+v", got)
		}
		synctest.Wait()
		check("new")
		b.engine.SetConnected(false)
		time.Sleep(time.Second)
		inA.add(a, "2")
		if got := inB.add(b, "3"); !got.IsPending {
			t.Errorf("it is not pending: %+v", got)
		}
		time.Sleep(time.Minute)
		b.engine.SetConnected(true)
		time.Sleep(5 * time.Second)
		check("of both sides of a partition")
	})
}

func TestAnOrderIsDoneOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		a, b, c := newStation(t, bus.Engine()), newStation(t, bus.Engine()), newStation(t, bus.Engine())
		var obeyed []func() []string
		for _, s := range []*station{a, b, c} {
			_, done := s.sharing()
			obeyed = append(obeyed, done)
			s.start(t)
			defer s.Close()
		}
		time.Sleep(2 * time.Second)
		give := func(kind, node string, want Spread) {
			t.Helper()
			if got, err := a.Give(&Order{Kind: kind, Node: node}); err != nil || got != want {
				t.Errorf("%s goes to %+v, %v; want %+v", kind, got, err, want)
			}
		}
		give("all", "", Spread{Nodes: 2})
		give("one", c.id(), Spread{Nodes: 1})
		synctest.Wait()
		a.engine.SetConnected(false)
		give("later", "", Spread{Nodes: 2, IsPending: true})
		time.Sleep(20 * time.Second)
		a.engine.SetConnected(true)
		time.Sleep(5 * time.Second)
		a.engine.SetConnected(false)
		give("never", c.id(), Spread{Nodes: 1, IsPending: true})
		time.Sleep(2 * orderTime)
		a.engine.SetConnected(true)
		time.Sleep(time.Minute)
		for i, want := range [][]string{nil, {"all", "later"}, {"all", "one", "later"}} {
			if got := obeyed[i](); !slices.Equal(got, want) {
				t.Errorf("node %d has done %q; want %q", i, got, want)
			}
		}
	})
}

func TestASealedMessageIsThatOfANode(t *testing.T) {
	by, other := NewIdentity(), NewIdentity()
	known := func(key ed25519.PublicKey) bool { return key.Equal(by.public()) }
	for _, c := range []struct {
		name    string
		signer  *Identity
		key     *Identity
		subject string
		at      time.Time
		want    string // part of the error; empty: none
	}{
		{"good", by, by, subjectOrder, noon, ""},
		{"signed by another one", other, by, subjectOrder, noon, "wrong signature"},
		{"of a stranger", other, other, subjectOrder, noon, "not known"},
		{"of another subject", by, by, subjectShare, noon, "wrong signature"},
		{"old", by, by, subjectOrder, noon.Add(-2 * maxAge), "clocks that agree"},
		{"of the future", by, by, subjectOrder, noon.Add(2 * maxAge), "clocks that agree"},
	} {
		payload, err := c.signer.seal(c.subject, Order{envelope: envelope{c.key.public(), c.at.UnixMilli()}, ID: "1", Kind: "kick"})
		if err != nil {
			t.Fatal(err)
		}
		var o Order
		err = open(payload, subjectOrder, maxOrder, noon, known, &o)
		if c.want == "" && (err != nil || o.Kind != "kick") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %+v, %v; want %q", c.name, o, err, c.want)
		}
	}
}

func FuzzSealed(f *testing.F) {
	f.Add([]byte(`{"key":"","at":1,"id":"1","kind":"kick"}`))
	f.Add([]byte(`{"digest":1,"entries":[null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, to := range []any{new(Order), new(share)} {
			if open(append(make([]byte, 64), text...), subjectOrder, maxOrder, noon, func(ed25519.PublicKey) bool { return true }, to) == nil {
				t.Error("taken without a signature")
			}
			_ = json.Unmarshal(text, to)
		}
		var o Order
		if json.Unmarshal(text, &o) == nil {
			_ = o.check()
		}
	})
}
