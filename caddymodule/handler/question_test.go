package handler_test

import (
	"net/http/httptest"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/handler"
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
