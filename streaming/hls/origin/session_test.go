package origin

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming"
)

// A session lasts as long as its list is polled, and has listened until it last was.
func TestASessionEndsWithoutPolls(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m, id := s.begin()
		for range 20 {
			eventually.Advance(6 * time.Second)
			s.poll(m, id)
		}
		eventually.Advance(29 * time.Second)
		if n := s.st.Listeners(); n != 1 || s.st.Mount(live).Stats().Listeners != 1 {
			t.Fatalf("%d listeners", n)
		}
		snapshot := s.st.Snapshot(live)
		if len(snapshot) != 1 || snapshot[0].Client.Protocol != streaming.ProtocolHLS || snapshot[0].Sent() < 110*16000 || snapshot[0].Sent() > 150*16000 {
			t.Errorf("%d listeners are listed, %+v", len(snapshot), snapshot)
		}
		if err := s.st.MoveListener(snapshot[0].Listener, "/other"); !errors.Is(err, streaming.ErrNoConnection) {
			t.Errorf("moving it: %v", err)
		}
		eventually.Advance(3 * time.Second)
		if len(s.ended()) != 1 {
			t.Fatalf("%d have ended", len(s.ended()))
		}
		if l := s.ended()[0]; l.Reason() != streaming.Disconnected || l.Duration() != 2*time.Minute {
			t.Errorf("it ended as %v after %v", l.Reason(), l.Duration())
		}
		s.poll(m, id) // the same player is back from a tunnel
		if s.st.Listeners() != 1 {
			t.Error("it is not counted again")
		}
		e.end()
	})
}

// Who was removed, or has reached its time, stays out.
func TestSomeSessionsStayOver(t *testing.T) {
	play(t, streaming.MountSettings{MaxListenerDuration: 90 * time.Second}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m, removed := s.begin()
		_, limited := s.begin()
		s.st.Snapshot(live)[0].Remove(streaming.Removed)
		synctest.Wait()
		if _, err := m.Poll(removed, false); !errors.Is(err, ErrOver) {
			t.Errorf("the removed one: %v", err)
		}
		for range 14 {
			eventually.Advance(6 * time.Second)
			s.poll(m, limited)
		}
		eventually.Advance(8 * time.Second)
		for _, id := range []string{removed, limited} {
			if _, err := m.Poll(id, false); !errors.Is(err, ErrOver) {
				t.Errorf("after the limit: %v", err)
			}
		}
		e.end()
	})
}

// An authenticator hears of the end once, whether the session began or not.
func TestAnAdmissionEndsOnce(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m := s.await()
		var ends []time.Duration
		admission := func() *streaming.Admission {
			return &streaming.Admission{ID: 7, OnEnd: func(d time.Duration) {
				s.mu.Lock()
				defer s.mu.Unlock()
				ends = append(ends, d)
			}}
		}
		never, began := s.m.NewID(live, 0), s.m.NewID(live, 0)
		for id, user := range map[string]string{never: "ann", began: "bob"} {
			if err := m.Expect(id, streaming.Client{User: user, Admission: admission()}); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Admit(began, streaming.Client{}); err != nil {
			t.Fatal(err)
		}
		if l := s.st.Snapshot(live)[0]; l.ID != 7 || l.Client.User != "bob" {
			t.Errorf("the listener is %d, %s", l.ID, l.Client.User)
		}
		for range 10 {
			eventually.Advance(6 * time.Second)
			s.poll(m, began)
		}
		eventually.Advance(time.Minute)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(ends) != 2 || ends[0] != 0 || ends[1] != time.Minute {
			t.Errorf("the ends are %v", ends)
		}
		e.end()
	})
}

// One address has a bounded number of sessions, an IPv6 one with its neighbours; they are free again
// when the sessions are forgotten. Clients without an address are not bounded.
func TestAnAddressHasABoundedNumberOfSessions(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m, id := s.begin()
		wait := func() {
			for range 20 {
				eventually.Advance(6 * time.Second)
				s.poll(m, id)
			}
		}
		admit := func(n int, address string) (counted int) {
			for range n {
				c := streaming.Client{Agent: rand.Text()}
				if address != "" {
					c.IP = netip.MustParseAddr(strings.ReplaceAll(address, "*", strconv.Itoa(1+counted%9)))
				}
				switch err := m.Admit(s.m.NewID(live, 0), c); {
				case err == nil:
					counted++
				case !errors.Is(err, ErrCrowded):
					t.Fatal(err)
				}
			}
			return counted
		}
		for address, want := range map[string]int{"192.0.2.1": maxSessions, "192.0.2.2": maxSessions, "2001:db8::*": maxSessions, "": 300} {
			if got := admit(300, address); got != want {
				t.Errorf("%q has %d sessions, want %d", address, got, want)
			}
		}
		if n := s.st.Listeners(); n != 3*maxSessions+301 {
			t.Errorf("%d listeners", n)
		}
		wait()
		if got := admit(10, "192.0.2.1"); got != 10 {
			t.Errorf("after they have ended %d of 10 are counted", got)
		}
		wait()
		m.mu.Lock()
		if len(m.sessions) != 1 || len(m.addresses) != 1 {
			t.Errorf("%d sessions of %d addresses are left", len(m.sessions), len(m.addresses))
		}
		m.mu.Unlock()
		e.end()
	})
}

// Who was admitted and never loads the list is kept for a time. One address has a bounded number of these, and
// so have all together; a refused one stays with its caller, and all are forgotten in the end.
func TestLoginsThatWaitAreBounded(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m, id := s.begin()
		var ends atomic.Int64
		kept := 0
		login := func(n int, address netip.Addr) (accepted int) {
			for range n {
				a := &streaming.Admission{OnEnd: func(time.Duration) { ends.Add(1) }}
				switch err := m.Expect(s.m.NewID(live, 0), streaming.Client{IP: address, Admission: a}); {
				case err == nil:
					accepted++
				case !errors.Is(err, ErrAwaited):
					t.Fatal(err)
				}
			}
			kept += accepted
			return accepted
		}
		for _, address := range []string{"192.0.2.1", "2001:db8::1"} {
			if got := login(maxAwaited+5, netip.MustParseAddr(address)); got != maxAwaited {
				t.Errorf("%s: %d are kept", address, got)
			}
		}
		if got := login(1, netip.MustParseAddr("2001:db8::2")); got != 0 {
			t.Error("a neighbour of the same network has logins of its own")
		}
		if got, want := login(maxAllAwaited, netip.Addr{}), maxAllAwaited-2*maxAwaited; got != want {
			t.Errorf("%d more are kept of unknown addresses, want %d", got, want)
		}
		if ends.Load() != 0 {
			t.Errorf("%d ended that wait", ends.Load())
		}
		for range 6 {
			eventually.Advance(6 * time.Second)
			s.poll(m, id)
		}
		if int(ends.Load()) != kept {
			t.Errorf("%d of %d have ended", ends.Load(), kept)
		}
		if got := login(1, netip.MustParseAddr("192.0.2.1")); got != 1 {
			t.Error("the address stays full")
		}
		eventually.Advance(awaitedTime)
		m.mu.Lock()
		if len(m.awaited)+len(m.waiting) != 0 {
			t.Errorf("%d logins of %d addresses are left", len(m.awaited), len(m.waiting))
		}
		m.mu.Unlock()
		e.end()
	})
}

func TestIDsAreSigned(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		long, short := s.m.NewID(live, 0), s.m.NewID(live, time.Hour)
		other := NewManager(s.st, Config{Key: func() []byte { return []byte("another key") }})
		same := NewManager(s.st, Config{Key: func() []byte { return []byte("key") }})
		forged := []byte(long)
		forged[3] ^= 1
		for _, c := range []struct {
			name string
			m    *Manager
			id   string
			path string
			want bool
		}{
			{"its own", s.m, long, live, true},
			{"of another server of the station", same, long, live, true},
			{"of another station", other, long, live, false},
			{"of another mount", s.m, long, "/other.mp3", false},
			{"forged", s.m, string(forged), live, false},
			{"none", s.m, "", live, false},
			{"not base64", s.m, "!", live, false},
			{"its own with a line break", s.m, long[:5] + "\n" + long[5:], live, false},
			{"its own with a line break for a byte", s.m, long[:31] + "\n", live, false},
		} {
			if got := c.m.IsID(c.path, c.id); got != c.want {
				t.Errorf("%s: %v", c.name, got)
			}
		}
		eventually.Advance(2 * time.Hour)
		if s.m.IsID(live, short) || !s.m.IsID(live, long) {
			t.Error("after two hours the wrong one is valid")
		}
	})
}
