package audience

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// scene is an audience with a clock of its own.
type scene struct {
	*Counter
	now time.Time
}

func newScene() *scene {
	return &scene{New(), time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
}

func (s *scene) after(d time.Duration) *scene { s.now = s.now.Add(d); return s }

func (s *scene) comes(c Visitor)     { s.Enter("/m", c, s.now) }
func (s *scene) goes(c Visitor) bool { return s.Leave("/m", c, s.now) }
func (s *scene) today() Day          { all := s.Days(s.now, false); return all[len(all)-1] }
func at(ip, agent string) Visitor    { return Visitor{IP: netip.MustParseAddr(ip), Agent: agent} }
func (d Day) counts() string {
	return fmt.Sprintf("%d now, peak %d, %d sessions, %v, %d uniques", d.Listeners, d.Peak, d.Sessions, d.Time, d.Uniques)
}

const (
	vlc   = "VLC/3.0.24 LibVLC/3.0.24"
	apple = "AppleCoreMedia/1.0.0.19E266 (iPhone; U; CPU OS 15_4 like Mac OS X; en_us)"
)

func TestTheAudienceIsCountedAsItCanBeBilled(t *testing.T) {
	for _, tt := range []struct {
		name  string
		scene func(s *scene)
		want  string
	}{
		{"two listeners, one after another and together", func(s *scene) {
			s.comes(at("192.0.2.1", "a"))
			s.after(10 * time.Second).comes(at("192.0.2.2", "a"))
			s.after(10 * time.Second).goes(at("192.0.2.1", "a"))
			s.after(10 * time.Second)
		}, "1 now, peak 2, 2 sessions, 40s, 2 uniques"},
		{"the same one again", func(s *scene) {
			for range 3 {
				s.comes(at("192.0.2.1", "a"))
				s.after(time.Second).goes(at("192.0.2.1", "a"))
			}
		}, "0 now, peak 1, 3 sessions, 3s, 1 uniques"},
		{"two at one address that are no players with two connections", func(s *scene) {
			s.comes(at("192.0.2.1", "a"))
			s.comes(at("192.0.2.1", "a"))
			s.after(time.Second)
		}, "2 now, peak 2, 2 sessions, 2s, 1 uniques"},
		{"VLC, which keeps both", func(s *scene) {
			s.comes(at("192.0.2.1", vlc))
			s.after(time.Second).comes(at("192.0.2.1", vlc))
			s.after(time.Second)
			s.goes(at("192.0.2.1", vlc))
			s.after(time.Second)
			s.goes(at("192.0.2.1", vlc))
		}, "0 now, peak 1, 1 sessions, 3s, 1 uniques"},
		{"two with VLC at one place", func(s *scene) {
			for range 4 {
				s.comes(at("192.0.2.1", vlc))
			}
		}, "2 now, peak 2, 2 sessions, 0s, 1 uniques"},
		{"another VLC that comes later", func(s *scene) {
			s.comes(at("192.0.2.1", vlc))
			s.after(pairTime + 1).comes(at("192.0.2.1", vlc))
		}, "2 now, peak 2, 2 sessions, 5.000000001s, 1 uniques"},
		{"Safari, which asks first", func(s *scene) {
			s.comes(at("192.0.2.1", apple))
			s.goes(at("192.0.2.1", apple))
			s.after(time.Second).comes(at("192.0.2.1", apple))
			s.after(time.Second)
		}, "1 now, peak 1, 1 sessions, 1s, 1 uniques"},
		{"Safari, an hour later", func(s *scene) {
			s.comes(at("192.0.2.1", apple))
			s.goes(at("192.0.2.1", apple))
			s.after(time.Hour).comes(at("192.0.2.1", apple))
		}, "1 now, peak 1, 2 sessions, 0s, 1 uniques"},
		{"a household of IPv6, and another one", func(s *scene) {
			s.comes(at("2001:db8::1", "a"))
			s.comes(at("2001:db8::2", "a"))
			s.comes(at("2001:db8:0:1::2", "a"))
		}, "3 now, peak 3, 3 sessions, 0s, 2 uniques"},
		{"a connection that ends without having begun", func(s *scene) {
			s.comes(at("192.0.2.1", "a"))
			s.goes(at("192.0.2.9", "a"))
		}, "1 now, peak 1, 1 sessions, 0s, 1 uniques"},
	} {
		s := newScene()
		tt.scene(s)
		if got := s.today().counts(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestADayEndsAtMidnightAndIsToldOnce(t *testing.T) {
	s := newScene()
	s.comes(at("192.0.2.1", "a"))
	s.comes(at("192.0.2.2", "a"))
	s.after(11 * time.Hour).goes(at("192.0.2.2", "a"))
	s.after(2 * time.Hour)
	all := s.Days(s.now, true)
	if len(all) != 2 {
		t.Fatalf("there are %d days", len(all))
	}
	yesterday, today := all[0], all[1]
	if got, want := yesterday.counts(), "1 now, peak 2, 2 sessions, 23h0m0s, 2 uniques"; got != want || !yesterday.Over {
		t.Errorf("the day that is over: %s, want %s", got, want)
	}
	if got, want := today.counts(), "1 now, peak 1, 1 sessions, 1h0m0s, 1 uniques"; got != want || today.Over {
		t.Errorf("the day after: %s, want %s", got, want)
	}
	if n := len(s.Days(s.now, true)); n != 1 {
		t.Errorf("then there are %d days", n)
	}
	s.goes(at("192.0.2.1", "a"))
	s.after(48 * time.Hour)
	if all := s.Days(s.now, true); len(all) != 1 || !all[0].Over {
		t.Errorf("days later there are %+v", all)
	}
	if all := s.Days(s.now, true); len(all) != 0 || len(s.mounts) != 0 {
		t.Errorf("nobody is there, but there are %+v", all)
	}
}

func TestWhoHasLeftIsForgotten(t *testing.T) {
	s := newScene()
	for i := range 10000 {
		c := at(fmt.Sprintf("10.0.%d.%d", i/250, i%250), "a")
		s.comes(c)
		s.after(time.Second).goes(c)
	}
	if n := len(s.mounts["/m"].clients); n > 100 {
		t.Errorf("%d visitors are known", n)
	}
	for i := range 2 * maxMounts {
		s.Enter(fmt.Sprintf("/%d", i), at("192.0.2.1", "a"), s.now)
	}
	if n := len(s.mounts); n > maxMounts+1 || s.mounts[OtherMounts].day.Listeners < maxMounts {
		t.Errorf("%d mounts are counted, and others %+v", n, s.mounts[OtherMounts])
	}
}

func TestWhoComesBackAfterMidnightIsOfTheNewDay(t *testing.T) {
	s := newScene()
	s.after(12*time.Hour - time.Second).comes(at("192.0.2.1", apple))
	s.goes(at("192.0.2.1", apple))
	s.after(2 * time.Second).comes(at("192.0.2.1", apple))
	if got, want := s.today().counts(), "1 now, peak 1, 1 sessions, 0s, 1 uniques"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
