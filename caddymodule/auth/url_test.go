package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/hook"
)

// newURL is a module whose endpoint answers so.
func newURL(t *testing.T, a *URL, answer http.HandlerFunc) *URL {
	t.Helper()
	endpoint := httptest.NewServer(answer)
	t.Cleanup(endpoint.Close)
	a.ListenerAdd = endpoint.URL
	if err := a.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	var last uint64
	a.Bind(Station{
		Station: hook.Station{Logger: zap.NewNop, Address: func() (string, string) { return "radio.example.org", "8000" }},
		NewID:   func() uint64 { last++; return last },
	})
	t.Cleanup(func() { _ = a.Cleanup() })
	return a
}

// A listener that the endpoint was not asked about is not admitted, however many others are asked about.
func TestACrowdIsNoFailureOfTheEndpoint(t *testing.T) {
	a := newURL(t, &URL{OnError: "allow", Timeout: caddy.Duration(time.Minute)}, func(http.ResponseWriter, *http.Request) {})
	for range cap(a.questions) {
		a.questions <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/m", nil)
	if _, err := a.AdmitListener(r, Request{Mount: "/m"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v; want that it could not be found out", err)
	}
}

func TestWhoAsksTheEndpoint(t *testing.T) {
	for _, tt := range []struct{ name, user, inURL, want string }{
		{"the listener", "", "", "bob:x"},
		{"us", "panel", "", "panel:y"},
		{"credentials in the URL", "", "us:z@", "us:z"},
		{"credentials in the URL, before all others", "panel", "us:z@", "us:z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := make(chan string, 1)
			a := newURL(t, &URL{Username: tt.user, Password: "y"}, func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				asked <- user + ":" + password
				w.Header().Set("Icecast-Auth-User", "1")
			})
			a.ListenerAdd = strings.Replace(a.ListenerAdd, "://", "://"+tt.inURL, 1)
			r := httptest.NewRequest(http.MethodGet, "/m", nil)
			if _, err := a.AdmitListener(r, Request{Mount: "/m", User: "bob", Password: "x"}); err != nil {
				t.Fatal(err)
			}
			if got := <-asked; got != tt.want {
				t.Errorf("%q asked, want %q", got, tt.want)
			}
		})
	}
}

func TestFieldsOfAListenersRequestArePassedOn(t *testing.T) {
	asked := make(chan url.Values, 1)
	a := newURL(t, &URL{Headers: []string{"host", "x-token", "cookie"}, HeaderPrefix: "h-"}, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked <- r.PostForm
		w.Header().Set("Icecast-Auth-User", "1")
	})
	r := httptest.NewRequest(http.MethodGet, "http://radio.example.org/m", nil)
	r.Header["X-Token"] = []string{"first", "last"} // Icecast passes on the last
	r.Header.Set("Cookie", strings.Repeat("x", maxHeader))
	if _, err := a.AdmitListener(r, Request{Mount: "/m"}); err != nil {
		t.Fatal(err)
	}
	form := <-asked
	for name, want := range map[string]string{"h-host": "radio.example.org", "h-x-token": "last", "h-cookie": r.Header.Get("Cookie")} {
		if got := form.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	r.Header.Set("Cookie", strings.Repeat("x", maxHeader+1))
	if _, err := a.AdmitListener(r, Request{Mount: "/m"}); !errors.Is(err, ErrDenied) || len(asked) > 0 {
		t.Errorf("with a longer one: %v", err)
	}
}

// Many are asked about at a time, and each answer's head is held in memory.
func TestAnAnswerWhoseHeadIsTooLongIsNone(t *testing.T) {
	const answerHead = 64 << 10 // as hook.NewClient has it
	length := 0
	a := newURL(t, new(URL), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Icecast-Auth-User", "1")
		w.Header().Set("X-Long", strings.Repeat("x", length))
	})
	for _, tt := range []struct {
		length int
		want   error
	}{{answerHead / 2, nil}, {answerHead, ErrUnavailable}} {
		length = tt.length
		_, err := a.AdmitListener(httptest.NewRequest(http.MethodGet, "/m", nil), Request{Mount: "/m"})
		if !errors.Is(err, tt.want) {
			t.Errorf("with %d bytes: %v", tt.length, err)
		}
	}
}

func TestHowLongAnEndpointLetsSomebodyListen(t *testing.T) {
	a := &URL{most: "Icecast-Auth-Timelimit", about: Station{Station: hook.Station{Logger: zap.NewNop}}}
	for value, want := range map[string]struct {
		limit time.Duration
		ok    bool
	}{
		"": {0, true}, "2": {2 * time.Second, true}, "2.5": {2 * time.Second, true}, "-1": {0, true},
		"0": {0, false}, "soon": {0, false}, "99999999999": {0, false},
	} {
		limit, ok := a.timeLimit(http.Header{"Icecast-Auth-Timelimit": {value}})
		if limit != want.limit || ok != want.ok {
			t.Errorf("%q: %v, %v", value, limit, ok)
		}
	}
}
