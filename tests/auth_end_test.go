package tests

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
)

// TestEveryListenerThatCameIsTold connects many listeners while the endpoint
// misbehaves in every way, and counts who came and who went.
func TestEveryListenerThatCameIsTold(t *testing.T) {
	const each, rounds = 250, 20
	var calls atomic.Int64
	var mu sync.Mutex
	came, went := make(map[string]int), make(map[string]int)
	e := newEndpoint(t, nil)
	e.behave(func(w http.ResponseWriter, p post) bool {
		if p.path == "/source" {
			return yes(w, p)
		}
		n := calls.Add(1)
		form := p.form(t)
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
		return yes(w, p)
	})
	s := start(t, urlAuth(e.URL))
	src := s.source("/live.mp3")
	stop := make(chan struct{})
	done := src.run(5*time.Millisecond, stop)
	s.listening("/live.mp3")
	for round := range rounds {
		var all sync.WaitGroup
		for range each {
			all.Go(func() {
				conn, err := net.Dial("tcp", s.plain)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(patience))
				fmt.Fprintf(conn, "GET /live.mp3 HTTP/1.0\r\n%s\r\n", basic("bob", "x"))
				if round%2 == 0 { // the others leave while it is asked
					_, _ = conn.Read(make([]byte, 100))
				}
			})
		}
		all.Wait()
		if round == rounds/2 {
			if err := s.reload(urlAuth(e.URL, "timeout 5s")); err != nil {
				t.Fatal(err)
			}
		}
	}
	e.behave(func(w http.ResponseWriter, p post) bool {
		form := p.form(t)
		mu.Lock()
		defer mu.Unlock()
		if form.Get("action") == "listener_remove" {
			went[form.Get("client")]++
		}
		return yes(w, p)
	})
	eventually(t, "all who came are gone", func() error {
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
	src.finish()
}

func TestTheEndOfAListenerOutlivesARestart(t *testing.T) {
	e := newEndpoint(t, yes)
	settings := func(more string) string { // other tests may have left something in the storage for theirs
		return strings.ReplaceAll(urlAuth(e.URL, more), "/live.mp3", "/restart.mp3")
	}
	var down atomic.Bool
	var gone []url.Values
	var mu sync.Mutex
	e.behave(func(w http.ResponseWriter, p post) bool {
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return false
		}
		if f := p.form(t); f.Get("action") == "listener_remove" {
			mu.Lock()
			gone = append(gone, f)
			mu.Unlock()
		}
		return yes(w, p)
	})
	s := start(t, settings(""))
	src := s.source("/restart.mp3")
	src.send(50)
	for range 5 {
		resp := s.get("/restart.mp3", "bob", "x")
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("the listener is answered %s", resp.Status)
		}
	}
	down.Store(true)
	src.finish()
	s.gone("/restart.mp3")
	if err := s.reload(settings("timeout 5s")); err != nil { // in the middle of retries
		t.Fatal(err)
	}
	if err := s.reload(`icecast other {
		source_password hackme
	}
	icecast {
		source_password hackme
	}`); err != nil { // the mount has no auth any more
		t.Fatal(err)
	}
	stopCaddy(t)
	down.Store(false)
	if err := s.load(settings("")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all five are told", func() error {
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
