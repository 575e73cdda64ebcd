package streaming

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

// What a listener costs that comes and leaves again, on a station with many mounts. It must
// not grow with them.
func BenchmarkLastListenerLeaves(b *testing.B) {
	for _, mounts := range []int{1, 1500} {
		b.Run(fmt.Sprintf("mounts=%d", mounts), func(b *testing.B) {
			st := NewStation(func(*Listener) {}, func(FeedChange) {})
			for i := range mounts {
				newMount(st, fmt.Sprintf("/%d", i)).goLive(numbered.ContentType)
			}
			m := st.Mount("/0")
			b.ReportAllocs()
			for b.Loop() {
				l, err := m.Admit(Client{})
				if err != nil {
					b.Fatal(err)
				}
				l.Cancel()
			}
			for _, m := range st.mounts {
				m.source = nil // there is none to wait for
			}
			_ = st.Close(b.Context())
		})
	}
}

// All slaves of a master wait for changes, and each wakes to compute its list.
func TestALastListenerThatLeavesIsNoChange(t *testing.T) {
	settings := Settings{Director: backup{path: "/b"}}
	st, _ := newTestStation(t, settings)
	src := connect(t, st, "/b", numbered.ContentType)
	src.send(someFrames)
	for _, c := range []struct {
		path    string
		changes bool
	}{
		{"/b", false}, // it has a source
		{"/m", true},  // nothing is left of it
	} {
		l, err := st.Await(t.Context(), c.path).Admit(Client{})
		if err != nil {
			t.Fatal(err)
		}
		changed := st.Changed()
		l.Cancel()
		select {
		case <-changed:
			if !c.changes {
				t.Errorf("%s: a listener that leaves is a change", c.path)
			}
		default:
			if c.changes {
				t.Errorf("%s: that the mount is dropped is no change", c.path)
			}
		}
	}
	if all := st.Mounts(); len(all) != 1 {
		t.Errorf("%d mounts are left", len(all))
	}
}

func TestASourceOnDemandPlaysTenSecondsAfterItsLastListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := NewStation(func(*Listener) {}, func(FeedChange) {})
		src := connect(t, st, "/m", numbered.ContentType, func(s *Source) { s.SetOnDemand(true) })
		src.send(someFrames)
		l, err := st.Await(t.Context(), "/m").Admit(Client{})
		if err != nil {
			t.Fatal(err)
		}
		for range 3600 { // it is not silent
			eventually.Advance(time.Second)
			src.send(1)
		}
		l.Cancel()
		left := time.Now()
		for src.Reason() == Running {
			src.send(1)
			eventually.Advance(time.Second / 2)
		}
		if after := time.Since(left); src.Reason() != NoDemand || after < unheardTime || after > unheardTime+2*time.Second {
			t.Errorf("it ends after %v, %v", after, src.Reason())
		}
		if err := st.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
