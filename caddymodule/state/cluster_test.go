package state_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/streaming"
)

func TestAReportTellsTheBandwidth(t *testing.T) {
	st := moduletest.New(t, &caddymodule.Station{Limits: caddymodule.Limits{Listeners: 5, Bandwidth: 64000}})
	if r := st.Report(""); r.MaxBandwidth != 64000 || r.Capacity != 5 {
		t.Errorf("the report is %+v", r)
	}
}

// TestSlavesAreNotOfferedWhatListenersMakeUp: each name that somebody had asked for once was pulled by
// all slaves from then on, since what a slave pulls lives.
func TestSlavesAreNotOfferedWhatListenersMakeUp(t *testing.T) {
	backup := []json.RawMessage{json.RawMessage(`{"mount": "/backup"}`)}
	st := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{
		{Path: "/named", FallbacksRaw: backup}, {Path: "/any*", FallbacksRaw: backup},
	}})
	st.OnAir(t, "/backup", nil)
	away := st.OnAir(t, "/anybody", nil)
	listen := func(path string) {
		ctx, cancel := context.WithTimeout(context.Background(), moduletest.Patience)
		defer cancel()
		l, err := st.Await(ctx, path).Admit(streaming.Client{})
		if err != nil {
			t.Fatal(err)
		}
		l.Go(&sink{make(chan struct{})}, nil)
	}
	listen("/anybody")
	listen("/anything")
	away.End()
	if got, want := st.StreamList().Paths(), []string{"/anybody", "/backup", "/named"}; !slices.Equal(got, want) {
		t.Errorf("%v are offered; want %v", got, want)
	}
}
