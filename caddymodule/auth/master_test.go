package auth

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/relay"
)

func TestTheAnswerOfAMasterIsThatOfTheSlave(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer relay.Answer
		err    error
		status int // of the refusal; 0: admitted
		limit  time.Duration
		ends   bool
	}{
		{"admitted", relay.Answer{Status: 200}, nil, 0, 0, false},
		{"for a while", relay.Answer{Status: 200, Seconds: 60, Session: "s"}, nil, 0, time.Minute, true},
		{"for longer than a year", relay.Answer{Status: 200, Seconds: 1 << 62}, nil, 0, 365 * 24 * time.Hour, false},
		{"an absurd time", relay.Answer{Status: 200, Seconds: -1}, nil, 0, 0, false},
		{"credentials are needed", relay.Answer{Status: 401, Reason: "x"}, nil, 401, 0, false},
		{"not allowed", relay.Answer{Status: 403, Reason: "a\r\nb"}, nil, 403, 0, false},
		{"too many", relay.Answer{Status: 429}, nil, 429, 0, false},
		{"a status that is none", relay.Answer{Status: 99}, nil, 503, 0, false},
		{"nothing", relay.Answer{}, nil, 503, 0, false},
		{"no master", relay.Answer{}, relay.ErrNoMaster, 503, 0, false},
	} {
		var ended []string
		m := &Master{
			Ask:   func(context.Context, relay.Question) (relay.Answer, error) { return tt.answer, tt.err },
			Ended: func(_ string, e relay.End) { ended = append(ended, e.Session) },
		}
		q := Request{Mount: "/pay.mp3"}
		a, err := m.AdmitListener(httptest.NewRequest(http.MethodGet, "/pay.mp3", nil), q)
		if tt.status != 0 {
			var refusal *response.Refusal
			if err = notAuthorized(q, err); errors.Is(err, ErrSessions) || !errors.As(err, &refusal) || refusal.Status != tt.status || strings.ContainsAny(refusal.Reason, "\r\n") {
				t.Errorf("%s: %v, %v; want a refusal with %d", tt.name, a, err, tt.status)
			}
			continue
		}
		if err != nil || a.TimeLimit != tt.limit || (a.OnEnd != nil) != tt.ends {
			t.Errorf("%s: %+v, %v", tt.name, a, err)
			continue
		}
		if a.OnEnd != nil {
			if a.OnEnd(time.Second); len(ended) != 1 {
				t.Errorf("%s: ended are %v", tt.name, ended)
			}
		}
	}
}

func TestAMasterGetsTheHeadOfTheListenersRequest(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "https://edge.example.org/other?ticket=a%20b", nil)
	r.SetBasicAuth("bob", "secret")
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("X-Ticket", "right")
	head, err := headOf(r, "/pay me.mp3")
	if err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		t.Fatalf("%v in %q", err, head)
	}
	user, password, _ := got.BasicAuth()
	if got.URL.Path != "/pay me.mp3" || got.URL.RawQuery != "ticket=a%20b" || got.Host != "edge.example.org" || user != "bob" || password != "secret" ||
		got.Header.Get("X-Ticket") != "right" || got.Header.Get("Connection") != "" || got.UserAgent() != "" {
		t.Errorf("the master gets %q", head)
	}
	r.Header.Set("Cookie", strings.Repeat("x", maxQuestion))
	if _, err := headOf(r, "/pay.mp3"); !errors.Is(err, ErrDenied) {
		t.Errorf("a request that is too long: %v; want ErrDenied", err)
	}
}
