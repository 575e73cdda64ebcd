package handler_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// newMaster returns a master with redirect when_full, one slave with room, and a source.
func newMaster(t *testing.T, mount caddymodule.Mount) *moduletest.Station {
	t.Helper()
	h := moduletest.New(t, &caddymodule.Station{
		RelayPassword: &auth.Credential{Password: "relay"},
		Master: &caddymodule.Master{Redirect: "when_full", Slaves: []*caddymodule.OwnSlave{
			{Name: "kh", Secret: "secret", Public: []string{"slave.example.org"}},
		}},
		Mounts: []*caddymodule.Mount{&mount},
	})
	h.OnAir(t, mount.Path, map[string]string{"ice-bitrate": "128"})
	if _, err := h.Slaves().Register(&h.Gate.Credentials()[1], relay.Report{
		ID: "kh:slave.example.org:80", Public: []string{"http://slave.example.org"}, Interval: 60, Mounts: map[string]int{mount.Path: 0},
	}, "192.0.2.9"); err != nil {
		t.Fatal(err)
	}
	return h
}

// A listener that lost the race for the last bandwidth got 403, though a slave had room.
func TestAListenerThatLosesTheRaceForTheLastPlaceIsRedirected(t *testing.T) {
	h := newMaster(t, caddymodule.Mount{Path: "/live.mp3"})
	r := httptest.NewRequest(http.MethodGet, "/live.mp3?ticket=1", nil)
	for _, err := range []error{
		streaming.ErrMountFull, streaming.ErrMountBandwidth, streaming.ErrStationFull, streaming.ErrStationBandwidth,
	} {
		redirect, ok := errors.AsType[*response.Redirect](h.Handler.NotAdmitted(r, "/live.mp3", err))
		if !ok || redirect.Status != http.StatusFound || redirect.URL != "http://slave.example.org/live.mp3?ticket=1&redirected=1" {
			t.Errorf("%v: %v; want a redirect to the slave", err, redirect)
		}
	}
	for _, err := range []error{streaming.ErrClosed, streaming.ErrNoDirect} {
		if _, ok := errors.AsType[*response.Refusal](h.Handler.NotAdmitted(r, "/live.mp3", err)); !ok {
			t.Errorf("%v: not refused", err)
		}
	}
}

func TestAListenerOfAFullMountIsRedirected(t *testing.T) {
	for name, mount := range map[string]caddymodule.Mount{
		"places":    {Path: "/live.mp3", MaxListeners: new(1)},
		"bandwidth": {Path: "/live.mp3", MaxBandwidth: new(128)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newMaster(t, mount)
			l, err := h.Mount("/live.mp3").Admit(streaming.Client{})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Cancel()
			resp := h.Get(t, "/live.mp3")
			moduletest.CheckStatus(t, resp, http.StatusFound)
			if got := resp.Header.Get("Location"); got != "http://slave.example.org/live.mp3?redirected=1" {
				t.Errorf("Location %q", got)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(resp.Header.Get("Cache-Control"), "no-store") {
				t.Errorf("%v; want the fields that let browsers follow", resp.Header)
			}
			resp = h.Get(t, "/live.mp3?redirected=1")
			moduletest.CheckStatus(t, resp, http.StatusForbidden)
		})
	}
}
