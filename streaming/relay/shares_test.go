package relay

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestAShareIsAPartOfANumber(t *testing.T) {
	for _, tt := range []struct {
		share *Share
		n     int64
		want  int64
	}{
		{nil, 7, 7},
		{&Share{Of: 1}, 7, 7},
		{&Share{Of: 3}, 7, 3},
		{&Share{Of: 3, Index: 1}, 7, 2},
		{&Share{Of: 3, Index: 2}, 7, 2},
		{&Share{Of: 3, Index: 2}, 2, 0},
		{&Share{Of: 3, Wait: true}, 7, 0},
		{&Share{Of: 3}, -7, -7},
	} {
		if got := tt.share.part(tt.n); got != tt.want {
			t.Errorf("%+v of %d: %d; want %d", tt.share, tt.n, got, tt.want)
		}
	}
}

// reportedShares are shares whose masters take reports, or do not.
type reportedShares struct {
	*shares
	t    *testing.T
	used []Share // at each master; Of 0: it has had no report, or for too long
	past time.Time
}

func newReportedShares(t *testing.T, masters int) *reportedShares {
	s := &reportedShares{newShares(masters), t, make([]Share, masters), time.Unix(1000, 0)}
	s.now = func() time.Time { return s.past }
	return s
}

const shareCounts = 7 * time.Second

// report sends a report, with a result, and checks that together no more is used than there is.
func (s *reportedShares) report(i int, err error) string {
	s.t.Helper()
	share, end := s.begin(i, shareCounts)
	if err == nil || !errors.As(err, new(refusal)) {
		s.used[i] = *share
	}
	s.check()
	end(err)
	return fmt.Sprint(*share)
}

func (s *reportedShares) check() {
	s.t.Helper()
	for n := range int64(20) {
		var sum int64
		for _, u := range s.used {
			if u.Of > 0 {
				sum += u.part(n)
			}
		}
		if sum > n {
			s.t.Errorf("of %d places %d are used: %v", n, sum, s.used)
		}
	}
}

// lapse lets the reports count no more that some masters have had.
func (s *reportedShares) lapse(masters ...int) {
	s.past = s.past.Add(shareCounts + time.Second)
	for i := range s.masters {
		if s.used[i].Of == 0 {
			continue
		}
		gone := false
		for _, m := range masters {
			gone = gone || m == i
		}
		if gone {
			s.used[i] = Share{}
		} else {
			s.masters[i].until = s.past.Add(shareCounts)
		}
	}
}

func TestMastersShareWhatIsFree(t *testing.T) {
	failed, refused := errors.New("no answer"), refusal{"503"}
	for name, steps := range map[string]func(s *reportedShares) []string{
		"the first has all, and shares with others": func(s *reportedShares) []string {
			return []string{
				s.report(0, nil), "{1 0 false}",
				s.report(1, nil), "{2 1 true}",
				fmt.Sprint(s.changing()), "[0]",
				s.report(1, nil), "{2 1 true}",
				s.report(0, nil), "{2 0 false}",
				fmt.Sprint(s.changing()), "[1]",
				s.report(1, nil), "{2 1 false}",
				s.report(2, nil), "{3 2 true}",
				s.report(0, nil), "{3 0 false}",
				s.report(2, nil), "{3 2 true}",
				s.report(1, nil), "{3 1 false}",
				s.report(2, nil), "{3 2 false}",
				fmt.Sprint(s.changing()), "[]",
			}
		},
		"one that is down has no share": func(s *reportedShares) []string {
			for range 3 {
				for i := range 3 {
					s.report(i, nil)
				}
			}
			s.lapse(1)
			return []string{
				fmt.Sprint(s.changing()), "[0 2]",
				s.report(0, nil), "{2 0 false}",
				s.report(2, nil), "{2 1 false}",
				s.report(1, nil), "{3 1 true}",
			}
		},
		"a report that has failed may have arrived": func(s *reportedShares) []string {
			return []string{
				s.report(0, failed), "{1 0 false}",
				s.report(1, nil), "{2 1 true}",
				s.report(0, failed), "{2 0 false}",
				s.report(1, nil), "{2 1 true}",
				s.report(0, nil), "{2 0 false}",
				s.report(1, nil), "{2 1 false}",
			}
		},
		"a master that refuses reports has no share": func(s *reportedShares) []string {
			return []string{
				s.report(0, refused), "{1 0 false}",
				s.report(1, nil), "{1 0 false}",
				s.report(0, refused), "{2 0 true}",
				s.report(1, nil), "{1 0 false}",
			}
		},
		"a share that is neither larger nor smaller": func(s *reportedShares) []string {
			for range 4 {
				for i := 1; i < 4; i++ {
					s.report(i, nil)
				}
			}
			s.lapse(2, 3)
			return []string{
				s.report(0, nil), "{2 0 true}",
				s.report(1, nil), "{2 1 true}",
				s.report(0, nil), "{2 0 false}",
				s.report(1, nil), "{2 1 false}",
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			steps := steps(newReportedShares(t, 4))
			for i := 0; i < len(steps); i += 2 {
				if steps[i] != steps[i+1] {
					t.Errorf("step %d: %s; want %s", i/2+1, steps[i], steps[i+1])
				}
			}
		})
	}
}

func TestTheOnlyMasterHasEverything(t *testing.T) {
	share, end := newShares(1).begin(0, shareCounts)
	end(nil)
	if share != nil {
		t.Errorf("its share is %+v", share)
	}
}

func TestAMasterUsesItsShareOnly(t *testing.T) {
	r := edge("a", 100, 40, "/live", "/room")
	r.Room, r.Share = map[string]int{"/room": 5}, &Share{Of: 3, Index: 2}
	kbps := edge("b", 100, 10, "/kbps")
	kbps.MaxBandwidth, kbps.Kbps, kbps.Share = 128*40, 128*10, &Share{Of: 2, Index: 1}
	s, _ := newTestSlaves(t)
	mustRegister(t, s, new(Credential), r)
	mustRegister(t, s, new(Credential), kbps)
	for _, tt := range []struct {
		mount string
		want  int
	}{{"/room", 1}, {"/live", 19}, {"/kbps", 15}} {
		n := 0
		for ; n < 100; n++ {
			if _, ok := s.Pick(PickQuery{Mount: tt.mount, Scheme: "http"}); !ok {
				break
			}
		}
		if n != tt.want {
			t.Errorf("%s: %d listeners are sent; want %d", tt.mount, n, tt.want)
		}
	}
}

// Listeners on their way to a slave were missing in its report, and sent there a second time.
func TestListenersOnTheirWayAreNoFreePlaces(t *testing.T) {
	now := time.Unix(1000, 0)
	q := new(quota)
	q.set(30, 0, now, now)
	for range 10 {
		q.take(1)
	}
	for _, step := range []struct {
		after         time.Duration
		free, arrived int64
		want          int64
	}{
		{0, 25, 5, 20},
		{500 * time.Millisecond, 22, 0, 12}, // those of the last second count
		{2 * time.Second, 20, 0, 20},
	} {
		now = now.Add(step.after)
		if q.set(step.free, step.arrived, now, now); q.left.Load() != step.want {
			t.Errorf("after %v: %d are left; want %d", step.after, q.left.Load(), step.want)
		}
	}
}
