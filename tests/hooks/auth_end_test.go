package hooks

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// TestEveryListenerThatCameIsTold connects many listeners while the endpoint
// misbehaves in every way, and counts who came and who went.
func TestEveryListenerThatCameIsTold(t *testing.T) {
	const each, rounds = 250, 20
	var calls atomic.Int64
	var mu sync.Mutex
	came, went := make(map[string]int), make(map[string]int)
	e := harness.NewEndpoint(t, nil)
	e.SetAnswer(func(w http.ResponseWriter, p harness.Post) bool {
		if p.Path == "/source" {
			return harness.Allow(w, p)
		}
		n := calls.Add(1)
		form := p.Form(t)
		switch n % 7 {
		case 3:
			w.WriteHeader(http.StatusInternalServerError)
			return false
		case 5: // it is lost before it is read
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
			return false
		}
		mu.Lock()
		switch form.Get("action") {
		case "listener_add":
			came[form.Get("client")]++
		case "listener_remove":
			went[form.Get("client")]++
		}
		mu.Unlock()
		if n%7 == 6 { // it is done, but the answer is lost
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
			return false
		}
		return harness.Allow(w, p)
	})
	s := harness.Start(t, urlAuth(e.URL))
	src := s.Source("/live.mp3")
	stop := make(chan struct{})
	done := src.Run(5*time.Millisecond, stop)
	s.WaitForMount("/live.mp3")
	for round := range rounds {
		var all sync.WaitGroup
		for range each {
			all.Go(func() {
				conn, err := net.Dial("tcp", s.Plain)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(harness.Patience))
				fmt.Fprintf(conn, "GET /live.mp3 HTTP/1.0\r\n%s\r\n", harness.BasicAuth("bob", "x"))
				if round%2 == 0 { // the others leave while it is asked
					_, _ = conn.Read(make([]byte, 100))
				}
			})
		}
		all.Wait()
		if round == rounds/2 {
			if err := s.Reload(urlAuth(e.URL, "timeout 5s")); err != nil {
				t.Fatal(err)
			}
		}
	}
	e.SetAnswer(func(w http.ResponseWriter, p harness.Post) bool {
		form := p.Form(t)
		mu.Lock()
		defer mu.Unlock()
		if form.Get("action") == "listener_remove" {
			went[form.Get("client")]++
		}
		return harness.Allow(w, p)
	})
	harness.Eventually(t, "all who came are gone", func() error {
		mu.Lock()
		defer mu.Unlock()
		for client := range came {
			if went[client] == 0 {
				return fmt.Errorf("of %d who came %s is not gone; %d are", len(came), client, len(went))
			}
		}
		if len(came) < each*rounds/2 {
			return fmt.Errorf("only %d came", len(came))
		}
		return nil
	})
	close(stop)
	<-done
	src.Finish()
}

func TestTheEndOfAListenerOutlivesARestart(t *testing.T) {
	e := harness.NewEndpoint(t, harness.Allow)
	settings := func(more string) string { // other tests may have left something in the storage for theirs
		return strings.ReplaceAll(urlAuth(e.URL, more), "/live.mp3", "/restart.mp3")
	}
	var down atomic.Bool
	var gone []url.Values
	var mu sync.Mutex
	e.SetAnswer(func(w http.ResponseWriter, p harness.Post) bool {
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return false
		}
		if f := p.Form(t); f.Get("action") == "listener_remove" {
			mu.Lock()
			gone = append(gone, f)
			mu.Unlock()
		}
		return harness.Allow(w, p)
	})
	s := harness.Start(t, settings(""))
	src := s.Source("/restart.mp3")
	src.Send(50)
	for range 5 {
		resp := s.Get("/restart.mp3", "bob", "x")
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("the listener is answered %s", resp.Status)
		}
	}
	down.Store(true)
	src.Finish()
	s.WaitUntilGone("/restart.mp3")
	if err := s.Reload(settings("timeout 5s")); err != nil { // in the middle of retries
		t.Fatal(err)
	}
	if err := s.Reload(`icecast other {
		source_password hackme
	}
	icecast {
		source_password hackme
	}`); err != nil { // the mount has no auth any more
		t.Fatal(err)
	}
	harness.StopCaddy(t)
	down.Store(false)
	if err := s.Load(settings("")); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "all five ends are posted", func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(gone) < 5 {
			return fmt.Errorf("%d are", len(gone))
		}
		return nil
	})
	seen := make(map[string]bool)
	for _, f := range gone {
		seen[f.Get("client")] = true
	}
	if len(seen) != 5 || len(gone) != 5 {
		t.Errorf("%d were told of %d listeners: %v", len(gone), len(seen), gone)
	}
}
