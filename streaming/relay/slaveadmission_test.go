package relay

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A thousand forged slaves filled the table, so that no other was registered, and nobody learned
// of it.
func TestForgedSlavesLeaveRoomForOthers(t *testing.T) {
	s, e := newTestSlaves(t)
	own := &Credential{Name: "edge1", Key: "1"}
	mustRegister(t, s, new(Credential), edge("honest", 100, 0, "/live"))
	for i := range maxSlaves {
		_, err := s.Register(new(Credential), edge(fmt.Sprintf("forged%d", i), 100, 0, "/live"), "192.0.2.66")
		if want := i+1 >= maxRelaySlaves; (err != nil) != want {
			t.Fatalf("forged slave %d: %v", i, err)
		} else if want && err.Error() != "slave: too many with the relay password; expected at most 256, or slaves with credentials of their own" {
			t.Fatal(err)
		}
	}
	for i := range maxOwnSlaves {
		mustRegister(t, s, own, edge(fmt.Sprintf("own%d", i), 100, 0, "/live"))
	}
	if _, err := s.Register(own, edge("own8", 100, 0, "/live"), ""); err == nil || err.Error() != "slave: too many with the credentials of edge1; expected at most 8" {
		t.Errorf("one more with credentials of its own: %v", err)
	}
	mustRegister(t, s, new(Credential), edge("honest", 100, 1, "/live"))
	if n := strings.Count(e.String(), fmt.Sprintf("%d ", SlaveRejected)); n != 2 {
		t.Errorf("%d events for the rejected ones; want one for each credential", n)
	}
	mustRegister(t, s, own, Report{ID: "own0", Leaving: true})
	mustRegister(t, s, own, edge("own8", 100, 0, "/live"))
}

func TestASlaveNamesOnlyURLsOfItsHosts(t *testing.T) {
	for _, tt := range []struct {
		hosts, public string
		ok            bool
	}{
		{"", "https://any.example", true},
		{"edge1.example", "https://edge1.example", true},
		{"edge1.example", "http://EDGE1.example:8000/radio", true},
		{"edge1.example:8000", "http://edge1.example:8000", true},
		{"edge1.example:8000", "http://edge1.example:8001", false},
		{"edge1.example", "https://edge1.example.evil.example", false},
		{"edge1.example other.example", "https://other.example", true},
		{"edge1.example", "https://edge2.example", false},
		{"[2001:db8::1]", "http://[2001:db8::1]:8000", false},
		{"2001:db8::1", "http://[2001:db8::1]:8000", true},
	} {
		s, _ := newTestSlaves(t)
		r := edge("a", 100, 0, "/live")
		r.Public = []string{tt.public}
		_, err := s.Register(&Credential{Name: "edge1", Hosts: strings.Fields(tt.hosts)}, r, "192.0.2.1")
		if (err == nil) != tt.ok || s.Any() != tt.ok {
			t.Errorf("%s for a slave of %q: %v", tt.public, tt.hosts, err)
		}
	}
}

// A forged slave stayed after the relay password was changed.
func TestSlavesGoWithTheirCredentials(t *testing.T) {
	now := []Credential{{Key: "relay"}, {Name: "edge1", Key: "1"}, {Name: "edge2", Key: "2"}}
	for _, tt := range []struct {
		name  string
		later []Credential
		want  string // the credentials of those that stay
	}{
		{"nothing changes", now, "[ edge1 edge2]"},
		{"the relay password changes", []Credential{{Key: "other"}, now[1], now[2]}, "[edge1 edge2]"},
		{"there is none", now[1:], "[edge1 edge2]"},
		{"a secret changes", []Credential{now[0], {Name: "edge1", Key: "other"}, now[2]}, "[ edge2]"},
		{"a slave is removed", now[:2], "[ edge1]"},
		{"its host is not allowed any more", []Credential{now[0], {Name: "edge1", Key: "1", Hosts: []string{"other"}}, now[2]}, "[ edge2]"},
		{"all are removed", nil, "[]"},
	} {
		s, _ := newTestSlaves(t)
		s.Apply(now)
		for i := range now {
			mustRegister(t, s, &now[i], edge("a", 100, 0, "/live"))
		}
		s.Apply(tt.later)
		stay := []string{}
		for _, slave := range s.List() {
			stay = append(stay, slave.Credential)
		}
		if got := fmt.Sprint(stay); got != tt.want {
			t.Errorf("%s: the slaves by %s stay; want %s", tt.name, got, tt.want)
		}
	}
}

func TestAReportWithOldCredentialsIsRejected(t *testing.T) {
	s, e := newTestSlaves(t)
	s.Apply([]Credential{{Key: "new"}})
	if _, err := s.Register(&Credential{Key: "old"}, edge("a", 100, 0, "/live"), "192.0.2.1"); err == nil || s.Any() {
		t.Errorf("a slave with the password before is registered; %s", e)
	}
}

// A report with an interval of an hour kept a forged slave in the table for as long.
func TestAReportCountsForABoundedTime(t *testing.T) {
	s, _ := newTestSlaves(t)
	now := time.Unix(1000, 0)
	s.now = func() time.Time { return now }
	r := edge("a", 100, 0, "/live")
	r.Interval = maxInterval
	mustRegister(t, s, new(Credential), r)
	now = now.Add(maxReportAge + reportGrace)
	s.expire()
	if s.Any() {
		t.Error("the slave is still there")
	}
}
