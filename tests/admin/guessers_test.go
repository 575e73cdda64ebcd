package admin_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/caddycast/caddycast/tests/harness"
)

// Passwords with a hash take time to compare. Clients that guess them must not keep out
// encoders and administrators with the right one, which none has used yet.
func TestGuessersKeepNobodyOut(t *testing.T) {
	const guessers, logins = 200, 4
	for name, addressOf := range map[string]func(int) string{
		"from many addresses": func(i int) string { return fmt.Sprintf("127.0.1.%d", i+1) },
		"from one address":    func(int) string { return "127.0.1.1" },
	} {
		t.Run(name, func(t *testing.T) {
			station := "icecast {\n\tsource_password hackme\n\tadmin_password " + hashOf(t, "letmein") + "\n\trelay_password " + hashOf(t, "pullme") + "\n"
			for i := range logins {
				station += fmt.Sprintf("\tmount /%d.mp3 {\n\t\tsource_password %s\n\t}\n", i, hashOf(t, fmt.Sprint("right", i)))
			}
			s := harness.Start(t, station+"}")
			defer guess(t, s, guessers, addressOf)()
			for i := range logins {
				begin := time.Now()
				status, body := s.AdminCommand("source", fmt.Sprint("right", i), fmt.Sprintf("metadata?mount=/%d.mp3&mode=updinfo&song=x", i))
				if status != http.StatusBadRequest { // no source is connected
					t.Errorf("a source is answered %d %s; want 400", status, body)
				}
				t.Logf("a source: %v", time.Since(begin))
			}
			for user, command := range map[string]string{"admin": "stats", "relay": "streamlist.txt"} {
				begin := time.Now()
				password := map[string]string{"admin": "letmein", "relay": "pullme"}[user]
				if status, body := s.AdminCommand(user, password, command); status != http.StatusOK {
					t.Errorf("%s is answered %d %s; want 200", user, status, body)
				}
				t.Logf("%s: %v", user, time.Since(begin))
			}
		})
	}
}

// guess makes clients send wrong passwords, and waits until all of them do. The function that
// it returns ends them.
func guess(t *testing.T, s *harness.Server, clients int, addressOf func(int) string) (end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var sent, answered atomic.Int64
	for i := range clients {
		transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addressOf(i))}}).DialContext}
		users := []string{"admin", "source", "relay"}
		wg.Go(func() {
			defer transport.CloseIdleConnections()
			for n := i; ctx.Err() == nil; n++ {
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Plain+"/admin/metadata?mount=/0.mp3&mode=updinfo&song=x", nil)
				if err != nil {
					panic(err)
				}
				req.SetBasicAuth(users[n%len(users)], fmt.Sprint("wrong", n))
				if n == i {
					sent.Add(1)
				}
				if resp, err := transport.RoundTrip(req); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					answered.Add(1)
				}
			}
		})
	}
	harness.Eventually(t, "all guess", func() error {
		if sent.Load() < int64(clients) || answered.Load() < 4 {
			return fmt.Errorf("%d guesses sent, %d answered", sent.Load(), answered.Load())
		}
		return nil
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// hashOf makes a hash whose comparison takes about 40 ms: all guesses together take longer than a
// login may wait, and a few of them far less.
func hashOf(t *testing.T, password string) string {
	t.Helper()
	for cost := bcrypt.MinCost; ; cost++ {
		begin := time.Now()
		hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(begin) > 30*time.Millisecond {
			return string(hash)
		}
	}
}
