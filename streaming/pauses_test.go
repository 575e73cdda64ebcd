package streaming

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

func TestTheSilenceThatEndsAStreamGrowsWithItsPauses(t *testing.T) {
	start := time.Unix(1000, 0)
	type pause struct{ at, length time.Duration }
	for _, tt := range []struct {
		name    string
		pauses  []pause
		timeout time.Duration
		want    time.Duration
	}{
		{"none", nil, 10 * time.Second, 3 * time.Second},
		{"short ones", []pause{{0, 100 * time.Millisecond}, {time.Second, 300 * time.Millisecond}}, 10 * time.Second, 3 * time.Second},
		{"a long one", []pause{{0, 2 * time.Second}, {3 * time.Second, time.Second}}, 10 * time.Second, 6 * time.Second},
		{"longer than a third of the timeout", []pause{{0, 5 * time.Second}}, 10 * time.Second, 10 * time.Second},
		{"a short timeout", nil, 2 * time.Second, 2 * time.Second},
		{"in the window before", []pause{{0, 2 * time.Second}, {61 * time.Second, time.Second}}, 10 * time.Second, 6 * time.Second},
		{"two windows ago", []pause{{0, 2 * time.Second}, {61 * time.Second, time.Second}, {122 * time.Second, time.Second}}, 10 * time.Second, 3 * time.Second},
		{"before a long break", []pause{{0, 2 * time.Second}, {time.Hour, time.Second}}, 10 * time.Second, 3 * time.Second},
	} {
		var p Pauses
		for _, one := range tt.pauses {
			p.Note(one.length, start.Add(one.at))
		}
		if got := p.limit(tt.timeout); got != tt.want {
			t.Errorf("%s: %v; want %v", tt.name, got, tt.want)
		}
	}
	if got := (*Pauses)(nil).limit(time.Minute); got != time.Minute {
		t.Errorf("a source without pauses has %v; want its timeout", got)
	}
}

func TestAStreamOfAnotherServerMayPauseAsItDidBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, _ := newTestStation(t, Settings{})
		withPauses := func(s *Source) { s.Upstream, s.Pauses = "http://master/m", new(Pauses) }
		steady, pausing := connect(t, st, "/steady", numbered.ContentType, withPauses), connect(t, st, "/pausing", numbered.ContentType, withPauses)
		for range 4 {
			pausing.send(50)
			steady.send(50)
			eventually.Advance(1500 * time.Millisecond)
			steady.send(1)
		}
		pausing.send(50)
		steady.send(50)
		eventually.Advance(4 * time.Second)
		if got := steady.Reason(); got != Running {
			t.Errorf("after 4 s: %v; want running, since its pauses were 1.5 s", got)
		}
		eventually.Advance(2 * time.Second)
		if got := [2]Reason{steady.Reason(), pausing.Reason()}; got != [2]Reason{TimedOut, TimedOut} {
			t.Errorf("after 6 s: %v; want both timed out", got)
		}
		third := connect(t, st, "/third", numbered.ContentType, withPauses)
		third.send(50)
		eventually.Advance(2 * time.Second)
		if got := third.Reason(); got != Running {
			t.Errorf("after 2 s: %v; want running", got)
		}
		eventually.Advance(2 * time.Second)
		if got := third.Reason(); got != TimedOut {
			t.Errorf("after 4 s: %v; want timed out", got)
		}
	})
}
