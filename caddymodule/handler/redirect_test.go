package handler_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/access"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/handler"
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
	for _, err := range []error{streaming.ErrMountInUse, streaming.ErrNoDirect} {
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
			resp = h.Get(t, "/live.mp3?redirected=2&except=http%3A%2F%2Fslave.example.org&ticket=1") // it came back
			moduletest.CheckStatus(t, resp, http.StatusServiceUnavailable)
			if resp.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
}

func TestTheQueryOfAListenerIsKeptOnItsWay(t *testing.T) {
	h := newMaster(t, caddymodule.Mount{Path: "/live.mp3"})
	for query, want := range map[string]string{
		"":                          "redirected=1",
		"ticket=a%20b&x":            "ticket=a%20b&x&redirected=1",
		"&&a=b&":                    "a=b&redirected=1",
		"redirected=1&a=b":          "a=b&redirected=2",
		"a=b&redirected=2&except=y": "a=b&redirected=3",
	} {
		r := httptest.NewRequest(http.MethodGet, "/live.mp3?"+query, nil)
		redirect, ok := errors.AsType[*response.Redirect](h.Handler.NotAdmitted(r, "/live.mp3", streaming.ErrMountFull))
		if !ok || redirect.URL != "http://slave.example.org/live.mp3?"+want {
			t.Errorf("%q: %v; want the query %q", query, redirect, want)
		}
	}
	for _, query := range []string{"redirected=3", "redirected=0", "redirected=-1", "redirected=99999999999999999999", "redirected=x", "redirected"} {
		r := httptest.NewRequest(http.MethodGet, "/live.mp3?"+query, nil)
		if refusal, ok := errors.AsType[*response.Refusal](h.Handler.NotAdmitted(r, "/live.mp3", streaming.ErrMountFull)); !ok || refusal.Status != http.StatusServiceUnavailable {
			t.Errorf("%q: %v; want a refusal, since it was redirected often enough", query, refusal)
		}
	}
}

func TestPlayersThatDoNotFollowRedirectsStay(t *testing.T) {
	h := newMaster(t, caddymodule.Mount{Path: "/live.mp3"})
	h.RedirectExcept = access.NewAgents([]string{"Sonos*", "bose ?"})
	for agent, redirected := range map[string]bool{"": true, "VLC/3": true, "sonos/1.0": false, "Bose 2": false, "Bose 20": true} {
		r := httptest.NewRequest(http.MethodGet, "/live.mp3", nil)
		r.Header.Set("User-Agent", agent)
		if _, ok := errors.AsType[*response.Redirect](h.Handler.NotAdmitted(r, "/live.mp3", streaming.ErrMountFull)); ok != redirected {
			t.Errorf("%q: redirected %t; want %t", agent, ok, redirected)
		}
	}
}

// A ban at the first node must not be a way to another one.
func TestADeniedClientIsSentNowhere(t *testing.T) {
	h := newMaster(t, caddymodule.Mount{Path: "/live.mp3"})
	denied := response.Refuse(http.StatusForbidden, "You are not allowed here").Because(access.ErrDenied)
	for query, redirected := range map[string]bool{"": false, "redirected=1": true} {
		r := httptest.NewRequest(http.MethodGet, "/live.mp3?"+query, nil)
		if _, ok := errors.AsType[*response.Redirect](h.Handler.SendOn(r, "/live.mp3", denied)); ok != redirected {
			t.Errorf("%q: redirected %t; want %t", query, ok, redirected)
		}
	}
}

func TestInternalAddressesAreNamedToInternalClientsOnly(t *testing.T) {
	for _, tt := range []struct {
		client, at string
		want       bool
	}{
		{"192.0.2.1", "http://10.0.0.5:8000/live.mp3", false},
		{"10.1.1.1", "http://10.0.0.5:8000/live.mp3", true},
		{"192.0.2.1", "http://[fd00::1]/live.mp3", false},
		{"192.0.2.1", "http://127.0.0.1/live.mp3", false},
		{"192.0.2.1", "http://198.51.100.1/live.mp3", true},
		{"192.0.2.1", "https://master.example.org/live.mp3", true},
		{"192.0.2.1", "http://a b/", false},
	} {
		if got := handler.MayReach(netip.MustParseAddr(tt.client), tt.at); got != tt.want {
			t.Errorf("%s to %s: %t; want %t", tt.client, tt.at, got, tt.want)
		}
	}
}
