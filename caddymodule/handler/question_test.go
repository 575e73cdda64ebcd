package handler_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/handler"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/streaming/relay"
)

func FuzzAsked(f *testing.F) {
	f.Add("/pay.mp3", "192.0.2.1", "https", "GET /pay.mp3?a=b HTTP/1.1\r\nHost: edge\r\nAuthorization: Basic Ym9iOnBhc3N3b3Jk\r\nRelay-Path: x\r\n\r\n")
	f.Add("/", "", "", "GET http://host HTTP/1.0\r\n\r\n")
	f.Add("/x", "::1%eth0", "http", "OPTIONS * HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
	f.Fuzz(func(t *testing.T, mount, ip, scheme, head string) {
		r := request.New(httptest.NewRequest("POST", relay.QuestionPath, nil))
		got, err := handler.Asked(r, relay.Question{Mount: mount, IP: ip, Scheme: scheme, Request: []byte(head)})
		if err != nil {
			return
		}
		if got.URL.Path != mount || got.Method != "GET" || got.Header.Get(relay.PathHeader) != "" || got.Scheme != "http" && got.Scheme != "https" {
			t.Errorf("%q becomes %s %q with %q", head, got.Method, got.URL, got.Header)
		}
	})
}

// A listener may wait for a mount that is protected when it sounds, but was not when the listener
// came.
func TestAMountThatBecomesProtectedMeanwhileAdmitsNobody(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{})
	h.OnAir(t, "/live.mp3", nil)
	requests := 0
	h.Gate.Master = &auth.Master{
		Guards: func(string) bool { requests++; return requests > 1 },
		Ask: func(context.Context, relay.Question) (relay.Answer, error) {
			return relay.Answer{Status: http.StatusForbidden, Reason: "not you"}, nil
		},
	}
	moduletest.CheckStatus(t, h.Get(t, "/live.mp3"), http.StatusForbidden)
}
