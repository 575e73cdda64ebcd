package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// bigStation returns a station with a number of mounts, all with a fallback, and 20 patterns.
func bigStation(mounts int) *caddymodule.Station {
	s := new(caddymodule.Station)
	for i := range 20 {
		s.Mounts = append(s.Mounts, &caddymodule.Mount{
			Path: fmt.Sprintf("/%c*.mp3", 'a'+i), MaxListeners: new(i), Genre: fmt.Sprint("genre ", i),
		})
	}
	for i := range mounts {
		s.Mounts = append(s.Mounts, &caddymodule.Mount{
			Path: fmt.Sprintf("/live%d.mp3", i), Name: fmt.Sprint("Live ", i),
			FallbacksRaw: []json.RawMessage{json.RawMessage(`{"kind": "mount", "mount": "/backup.mp3"}`)},
		})
	}
	return s
}

func BenchmarkPolicy(b *testing.B) {
	for _, mounts := range []int{10, 1500} {
		st := moduletest.New(b, bigStation(mounts))
		b.Run(fmt.Sprintf("first/mounts=%d", mounts), func(b *testing.B) {
			var paths [20_000]string // twice as many as are remembered
			for i := range paths {
				paths[i] = fmt.Sprintf("/listen%d.mp3", i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				st.Policy(paths[i%len(paths)])
			}
		})
		b.Run(fmt.Sprintf("second/mounts=%d", mounts), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				st.Policy("/live7.mp3")
			}
		})
	}
}

// BenchmarkStreamListAfterChange makes the list for slaves anew, as after each source that
// comes or goes.
func BenchmarkStreamListAfterChange(b *testing.B) {
	for _, mounts := range []int{10, 1500} {
		b.Run(fmt.Sprintf("mounts=%d", mounts), func(b *testing.B) {
			st := moduletest.New(b, bigStation(mounts))
			st.OnAir(b, "/backup.mp3", nil)
			if n := len(st.StreamList().Paths()); n != mounts+1 {
				b.Fatalf("%d mounts are listed; want %d", n, mounts+1)
			}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				st.Reconsider() // which is a change
				b.StartTimer()
				st.StreamList()
			}
		})
	}
}

func TestTheSecondLookUpOfAPolicyDoesNotAllocate(t *testing.T) {
	st := moduletest.New(t, bigStation(10))
	first := st.Policy("/live7.mp3")
	if n := testing.AllocsPerRun(100, func() {
		if st.Policy("/live7.mp3") != first {
			t.Error("it is another policy")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
