package state_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// bigStation returns a station with a number of mounts, all with a fallback.
func bigStation(mounts int) *caddymodule.Station {
	s := new(caddymodule.Station)
	for i := range mounts {
		s.Mounts = append(s.Mounts, &caddymodule.Mount{
			Path: fmt.Sprintf("/live%d", i), FallbacksRaw: []json.RawMessage{json.RawMessage(`{"mount": "/backup"}`)},
		})
	}
	return s
}

// BenchmarkStreamListAfterOneChange looks at one mount that may have changed.
func BenchmarkStreamListAfterOneChange(b *testing.B) {
	for _, mounts := range []int{10, 1500} {
		b.Run(fmt.Sprintf("mounts=%d", mounts), func(b *testing.B) {
			st := moduletest.New(b, bigStation(mounts))
			st.OnAir(b, "/backup", nil)
			st.StreamList()
			b.ReportAllocs()
			for b.Loop() {
				st.Touch("/live7")
				st.StreamList()
			}
		})
	}
}
