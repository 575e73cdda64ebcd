package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// The next upstream is dialed when one fails or is silent.
func TestTheFirstUpstreamThatAnswersIsTaken(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it accepts, and sends nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed := speak(t, "")
	good := speak(t, "HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\nsound")
	d := &dialer{agent: "test", id: "me", timeout: 5 * time.Second}
	for _, tt := range []struct {
		name string
		urls []string
		want string
	}{
		{"the only one", []string{good}, good},
		{"after one that fails", []string{closed, good}, good},
		{"after one that is silent", []string{"http://" + silent.Addr().String(), good}, good},
		{"none", []string{closed, closed}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var all []Upstream
			for _, u := range tt.urls {
				all = append(all, Upstream{URL: u})
			}
			l, err := d.first(t.Context(), all)
			if tt.want == "" {
				if err == nil {
					t.Error("there is a connection")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			body, err := io.ReadAll(l.answer.Body)
			if l.upstream.URL != tt.want || string(body) != "sound" || err != nil {
				t.Errorf("%s: %q, %v", l.upstream.URL, body, err)
			}
		})
	}
}

func TestAConnectionEndsWithItsContext(t *testing.T) {
	hold := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(hold)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := (&dialer{id: "me", timeout: time.Second}).first(ctx, []Upstream{{URL: server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	cancel()
	if _, err := l.answer.Body.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("reading ends with %v", err)
	}
}

func TestAStreamThatComesFromHereIsALoop(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nRelay-Path: other, me\r\n\r\n",
		"HTTP/1.1 508 Loop Detected\r\nContent-Length: 0\r\n\r\n",
	} {
		if _, err := (&dialer{id: "me", timeout: time.Second}).open(t.Context(), Upstream{URL: speak(t, text)}); !errors.Is(err, ErrLoop) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
