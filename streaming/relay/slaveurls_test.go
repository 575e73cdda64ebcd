package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

// probes is a function for Verify whose answers a test sets.
type probes struct {
	mu     sync.Mutex
	failed map[string]bool // URLs that fail
	count  int
}

func (p *probes) verify(_ context.Context, probe Probe) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	if p.failed[probe.Base] {
		return errors.New("no answer")
	}
	return nil
}

func (p *probes) set(base string, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed[base] = failed
}

// newVerifiedSlaves returns slaves whose URLs are verified, for a synctest bubble.
func newVerifiedSlaves(t *testing.T) (*Slaves, *events, *probes) {
	t.Helper()
	s, e := newTestSlaves(t)
	p := &probes{failed: make(map[string]bool)}
	s.Verify(p.verify)
	return s, e, p
}

// eventsOf writes the events of one slave as the events are written.
func eventsOf(slave string, kinds ...Kind) string {
	var e events
	for _, k := range kinds {
		e.observe(Event{Kind: k, Slave: slave})
	}
	return e.String()
}

// settle lets what is due be done, and the next snapshot be made.
func settle() {
	eventually.Advance(viewInterval)
}

func (s *Slaves) statusOf(t *testing.T, id string) SlaveStatus {
	t.Helper()
	for _, one := range s.List() {
		if one.ID == id {
			return one
		}
	}
	t.Fatalf("no slave %s", id)
	return SlaveStatus{}
}

// One forged report took all listeners.
func TestListenersAreSentOnlyToVerifiedURLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, p := newVerifiedSlaves(t)
		defer s.Close()
		p.set("http://forged", true)
		p.set("https://half", true)
		p.mu.Lock() // no verification ends
		for _, id := range []string{"forged", "half"} {
			r := edge(id, 100, 0, "/live")
			r.Interval = 3600
			mustRegister(t, s, new(Credential), r)
		}
		base, ok := s.Pick(live)
		p.mu.Unlock()
		if ok {
			t.Errorf("sent to %s before it was verified", base)
		}
		settle()
		for range 20 {
			if base, _ := s.Pick(live); base != "http://half" {
				t.Fatalf("sent to %q; want the verified slave", base)
			}
		}
		if list := s.Ranked(PickQuery{Mount: "/live", Scheme: "https"}); !slices.Equal(list, []string{"https://forged"}) {
			t.Errorf("the playlist has %v; want the verified URL", list)
		}
		if got := s.statusOf(t, "half"); got.State != URLFailed || got.Cause != "https://half: no answer" {
			t.Errorf("the state is %s, %s", got.State, got.Cause)
		}
	})
}

func TestVerificationGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e, p := newVerifiedSlaves(t)
		defer s.Close()
		r := edge("a", 100, 0, "/live")
		r.Public, r.Interval = r.Public[:1], 30
		pass := func(d time.Duration) {
			for ; d > 0; d -= time.Second {
				mustRegister(t, s, new(Credential), r)
				eventually.Advance(time.Second)
			}
			settle()
		}
		pass(time.Second)
		if got := s.statusOf(t, "a"); got.State != URLVerified || p.count != 1 {
			t.Fatalf("the state is %s after %d probes", got.State, p.count)
		}
		p.set("http://a", true)
		pass(probeInterval + probeInterval/2)
		if got := s.statusOf(t, "a"); got.State != URLFailed || p.count < 3 {
			t.Errorf("the state is %s after %d probes; want failed after a second one", got.State, p.count)
		}
		if base, ok := s.Pick(live); ok {
			t.Errorf("sent to %s, which has failed", base)
		}
		p.set("http://a", false)
		pass(2 * probeRetry)
		if base, ok := s.Pick(live); !ok {
			t.Errorf("sent to %q, %v; want the slave that is back", base, ok)
		}
		want := eventsOf("http://a", SlaveJoined, SlaveVerified, SlaveUnverified, SlaveVerified)
		if got := e.String(); got != want {
			t.Errorf("events: %s; want %s", got, want)
		}
		n := p.count
		mustRegister(t, s, new(Credential), Report{ID: "a", Interval: 2, Leaving: true})
		eventually.Advance(10 * probeInterval)
		if p.count != n {
			t.Errorf("%d probes of a slave that is gone", p.count-n)
		}
	})
}

// One bad moment of a network takes no listeners away.
func TestOneFailureIsDoubtful(t *testing.T) {
	s, _ := newTestSlaves(t)
	e := &slaveEntry{key: slaveKey{id: "a"}}
	u := &slaveURL{SlaveURL: SlaveURL{State: URLPending}}
	failure := errors.New("no answer")
	for i, tt := range []struct {
		err  error
		want Verification
	}{
		{nil, URLVerified}, {failure, URLVerified}, {nil, URLVerified}, {failure, URLVerified}, {failure, URLFailed}, {failure, URLFailed}, {nil, URLVerified},
	} {
		s.verified(e, u, tt.err)
		u.stop()
		if u.State != tt.want {
			t.Errorf("step %d: the state is %s; want %s", i, u.State, tt.want)
		}
	}
}

// A slave that reports other URLs all the time takes no more places than it has URLs.
func TestURLsThatAreReplacedAreVerifiedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newTestSlaves(t)
		defer s.Close()
		s.Verify(func(ctx context.Context, p Probe) error {
			if p.ID == "good" {
				return nil
			}
			<-ctx.Done() // never answers
			return ctx.Err()
		})
		for i := range 100 {
			r := Report{ID: "bad", Interval: 10}
			for j := range maxPublic {
				r.Public = append(r.Public, fmt.Sprintf("http://bad%d-%d", i, j))
			}
			mustRegister(t, s, new(Credential), r)
			synctest.Wait()
		}
		mustRegister(t, s, new(Credential), edge("good", 100, 0, "/live"))
		settle()
		if got := s.statusOf(t, "good"); got.State != URLVerified {
			t.Errorf("another slave is %s; want verified", got.State)
		}
	})
}

func TestSlavesOfIcecastKHNeedTheirHostListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, p := newVerifiedSlaves(t)
		defer s.Close()
		r := Report{ID: "kh:edge:8000", Public: []string{"http://edge:8000"}, Interval: 30}
		mustRegister(t, s, new(Credential), r)
		settle()
		if base, ok := s.Pick(live); ok {
			t.Errorf("sent to %s without a proof", base)
		}
		listed := &Credential{Name: "kh", Hosts: []string{"edge"}}
		mustRegister(t, s, listed, r)
		settle()
		if base, _ := s.Pick(live); base != "http://edge:8000" || p.count > 0 {
			t.Errorf("sent to %q after %d probes; want the listed host, without one", base, p.count)
		}
	})
}

func TestADrainedSlaveGetsNoMoreListeners(t *testing.T) {
	s, e := newTestSlaves(t)
	mustRegister(t, s, new(Credential), edge("a", 100, 0, "/live"))
	if _, ok := s.Pick(live); !ok || s.Drain("http://a/", true) != 1 || s.Drain("a", true) != 1 {
		t.Fatal("the slave is not found")
	}
	mustRegister(t, s, new(Credential), edge("a", 100, 0, "/live"))
	if base, ok := s.Pick(live); ok || !s.statusOf(t, "a").IsDrained {
		t.Errorf("sent to %q, which is drained", base)
	}
	if s.Drain("a", false) != 1 || s.Drain("b", true) != 0 {
		t.Error("wrong numbers of slaves")
	}
	s.now = func() time.Time { return time.Now().Add(viewInterval) }
	if _, ok := s.Pick(live); !ok {
		t.Error("the slave still gets no listeners")
	}
	want := eventsOf("http://a", SlaveJoined, SlaveDrained, SlaveUndrained)
	if got := e.String(); got != want {
		t.Errorf("events: %s; want %s", got, want)
	}
}

func TestASlaveIsFoundByTheNameOfItsCredentials(t *testing.T) {
	s, _ := newTestSlaves(t)
	mustRegister(t, s, new(Credential), edge("a", 100, 0, "/live"))
	mustRegister(t, s, &Credential{Name: "studio", Hosts: []string{"b"}}, edge("b", 100, 0, "/live"))
	if s.Drain("", true) != 0 || s.Drain("studio", true) != 1 || s.Remove("studio") != 1 || s.Len() != 1 {
		t.Errorf("%d slaves are left; want the one with the relay password", s.Len())
	}
}

func TestARemovedSlaveIsRejectedForAWhile(t *testing.T) {
	s, _ := newTestSlaves(t)
	now := time.Unix(1000, 0)
	s.now = func() time.Time { return now }
	mustRegister(t, s, new(Credential), edge("a", 100, 0, "/live"))
	if s.Remove("a") != 1 || s.Any() || s.Remove("a") != 0 {
		t.Fatal("the slave is not removed")
	}
	again := edge("a", 100, 0, "/live")
	restarted := edge("a2", 100, 0, "/live")
	restarted.Public = again.Public
	for _, r := range []Report{again, restarted} {
		if _, err := s.Register(new(Credential), r, "192.0.2.1"); err == nil || err.Error() != "slave: removed by an administrator; expected no report before 1970-01-01T00:26:40Z" {
			t.Errorf("%s: %v", r.ID, err)
		}
	}
	now = now.Add(removalTime)
	mustRegister(t, s, new(Credential), again)
}
