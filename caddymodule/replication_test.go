package caddymodule

import (
	"context"
	"slices"
	"testing"

	"github.com/caddycast/caddycast/streaming"
)

func TestAReportTellsTheBandwidth(t *testing.T) {
	s := &Station{Limits: Limits{Listeners: 5, Bandwidth: 64000}}
	newHandler(t, s)
	if r := s.report(); r.MaxKbps != 64000 || r.Capacity != 5 {
		t.Errorf("the report is %+v", r)
	}
}

// TestSlavesAreNotOfferedWhatListenersMakeUp: each name that somebody had asked for once was pulled by
// all slaves from then on, since what a slave pulls lives.
func TestSlavesAreNotOfferedWhatListenersMakeUp(t *testing.T) {
	s := &Station{Mounts: []*Mount{
		{Path: "/named", Fallbacks: []*Fallback{{Mount: "/backup"}}},
		{Path: "/any*", Fallbacks: []*Fallback{{Mount: "/backup"}}},
	}}
	h := newHandler(t, s)
	h.onAir(t, "/backup", nil)
	away := h.onAir(t, "/anybody", nil)
	listen := func(path string) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		l, err := s.live.Await(ctx, path).Admit(streaming.Client{})
		if err != nil {
			t.Fatal(err)
		}
		l.Go(&sink{make(chan struct{})}, nil)
	}
	listen("/anybody")
	listen("/anything")
	away.end()
	if got, want := s.offered(), []string{"/anybody", "/backup", "/named"}; !slices.Equal(got, want) {
		t.Errorf("%v are offered; want %v", got, want)
	}
}
