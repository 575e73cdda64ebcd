package admin_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
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
			var station strings.Builder
			fmt.Fprintf(&station, "icecast {\n\tsource_password hackme\n\tadmin_password %s\n\trelay_password %s\n", hashOf(t, "letmein"), hashOf(t, "pullme"))
			for i := range logins {
				fmt.Fprintf(&station, "\tmount /%d.mp3 {\n\t\tsource_password %s\n\t}\n", i, hashOf(t, fmt.Sprint("right", i)))
			}
			s := harness.Start(t, station.String()+"}")
			compared, end := guess(t, s, guessers, addressOf)
			defer end()
			for i := range logins { // no source is connected: 400
				logIn(t, s, compared, "source", fmt.Sprint("right", i), fmt.Sprintf("metadata?mount=/%d.mp3&mode=updinfo&song=x", i), http.StatusBadRequest)
			}
			logIn(t, s, compared, "admin", "letmein", "stats", http.StatusOK)
			logIn(t, s, compared, "relay", "pullme", "streamlist.txt", http.StatusOK)
		})
	}
}

// logIn sends a command with a right password. While it waits, few guesses may be compared; if
// it is given up even so, the machine is too slow for one comparison, and it is sent again.
func logIn(t *testing.T, s *harness.Server, compared *atomic.Int64, user, password, command string, want int) {
	t.Helper()
	const fewGuesses = 20
	harness.Eventually(t, user+" is let in", func() error {
		begin, before := time.Now(), compared.Load()
		status, body := s.AdminCommand(user, password, command)
		guesses := compared.Load() - before
		t.Logf("%s: %v, %d guesses", user, time.Since(begin), guesses)
		switch {
		case status == want:
			return nil
		case status != http.StatusServiceUnavailable || guesses > fewGuesses:
			t.Fatalf("%s is answered %d %s, after %d guesses; want %d", user, status, body, guesses, want)
		}
		return fmt.Errorf("%d guesses were compared in %v", guesses, time.Since(begin))
	})
}

// guess makes clients send wrong passwords, and waits until all of them do. compared counts the
// guesses that were compared; end ends the clients.
func guess(t *testing.T, s *harness.Server, clients int, addressOf func(int) string) (compared *atomic.Int64, end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var sent, answered atomic.Int64 // answered 401, so compared
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
					if resp.StatusCode == http.StatusUnauthorized {
						answered.Add(1)
					}
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
	return &answered, func() {
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
