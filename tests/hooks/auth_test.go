package hooks

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// urlAuth is a station whose mounts ask an endpoint.
func urlAuth(e string, more ...string) string {
	return `icecast {
	source_password hackme
	admin_password  letmein
	hostname radio.example.org:8000
	mount /live.mp3 {
		auth url {
			listener_add    ` + e + `/add
			listener_remove ` + e + `/remove
			mount_add       ` + e + `/up
			mount_remove    ` + e + `/down
			stream_auth     ` + e + `/source
			headers         referer,x-token
			header_prefix   H-
			` + strings.Join(more, "\n\t\t\t") + `
		}
	}
}`
}

func TestAnEndpointIsAskedAsIcecastAsksIt(t *testing.T) {
	e := harness.NewEndpoint(t, harness.Allow)
	s := harness.Start(t, urlAuth(e.URL))
	if resp := s.Get("/live.mp3", "bob", "p w"); resp.StatusCode != http.StatusNotFound {
		t.Fatalf("a mount without a source is answered %s", resp.Status)
	}
	if resp, _ := harness.SendHead(t, s.Dial(false), "PUT /live.mp3 HTTP/1.1\r\nHost: x\r\nContent-Type: audio/mpeg\r\n\r\n"); resp.StatusCode != http.StatusUnauthorized {
		t.Fatalf("libshout's probe is answered %s", resp.Status)
	}
	src := s.Source("/live.mp3") // the endpoint decides
	src.Send(50)
	resp := s.Get("/live.mp3?limit=1&x=%20y", "bob", "p w")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the listener is answered %s", resp.Status)
	}
	s.SetTitle("/live.mp3", "x")
	_ = resp.Body.Close()
	stop := make(chan struct{})
	done := src.Run(5*time.Millisecond, stop) // it is noticed that somebody left when there is something to send
	remove := e.Bodies("/remove", 1)
	close(stop)
	<-done
	src.Finish()
	added, err := url.ParseQuery(e.Bodies("/add", 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	client := added.Get("client")
	if n, err := strconv.ParseInt(client, 10, 32); err != nil || n <= 0 {
		t.Errorf("the listener's number is %q", client)
	}
	for _, c := range []struct{ path, want string }{
		{"/source", "action=stream_auth&mount=%2flive%2emp3&ip=127%2e0%2e0%2e1&server=radio%2eexample%2eorg&port=8000&user=source&pass=hackme"},
		{"/up", "action=mount_add&mount=%2flive%2emp3&server=radio%2eexample%2eorg&port=8000"},
		{"/add", "action=listener_add&server=radio%2eexample%2eorg&port=8000&client=" + client + "&mount=%2flive%2emp3%3flimit%3d1%26x%3d%2520y&user=bob&pass=p%20w&ip=127%2e0%2e0%2e1&agent=A%20b%2f1%2e0&H-referer=http%3a%2f%2fr%2f"},
		{"/down", "action=mount_remove&mount=%2flive%2emp3&server=radio%2eexample%2eorg&port=8000"},
	} {
		if got := e.Bodies(c.path, 1)[0]; got != c.want {
			t.Errorf("%s was posted\n%s\nwant\n%s", c.path, got, c.want)
		}
	}
	if all := e.Bodies("/source", 2); all[1] != e.Bodies("/source", 1)[0]+"&admin=1" {
		t.Errorf("for the title it was asked %s", all[1])
	}
	want := "action=listener_remove&server=radio%2eexample%2eorg&port=8000&client=" + client + "&mount=%2flive%2emp3%3flimit%3d1%26x%3d%2520y&user=bob&pass=p%20w&duration=0&ip=127%2e0%2e0%2e1&agent=A%20b%2f1%2e0"
	// An event that a test before could not deliver may come, too.
	remove = slices.DeleteFunc(remove, func(body string) bool { return !strings.Contains(body, "client="+client+"&") })
	if len(remove) != 1 || remove[0] != want {
		t.Errorf("at the end was posted\n%s\nwant\n%s", remove, want)
	}
	for _, p := range e.All() {
		if p.Path == "/remove" && !strings.Contains(p.Body, "client="+client+"&") {
			continue
		}
		if user, password, _ := strings.Cut(credentials(p), ":"); (p.Path == "/add" || p.Path == "/remove") && (user != "bob" || password != "p w") ||
			(p.Path == "/up" || p.Path == "/down" || p.Path == "/source") && credentials(p) != ":" {
			t.Errorf("%s was posted as %q", p.Path, credentials(p))
		}
	}
}

// credentials are those of Basic authentication.
func credentials(p harness.Post) string {
	r := http.Request{Header: p.Header}
	user, password, _ := r.BasicAuth()
	return user + ":" + password
}

func TestWhatAnEndpointAnswersIsDone(t *testing.T) {
	with := func(status int, header ...string) func(http.ResponseWriter, harness.Post) bool {
		return func(w http.ResponseWriter, p harness.Post) bool {
			if p.Path == "/source" {
				w.Header().Set("X-Ok", "fine")
				return harness.Allow(w, p)
			}
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			return status < 300
		}
	}
	reset := func(w http.ResponseWriter, p harness.Post) bool {
		if p.Path == "/source" {
			return harness.Allow(w, p)
		}
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
		return false
	}
	slow := func(w http.ResponseWriter, p harness.Post) bool {
		if p.Path == "/add" {
			time.Sleep(700 * time.Millisecond)
		}
		return harness.Allow(w, p)
	}
	const user = "icecast-auth-user"
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, harness.Post) bool
		more   string
		status int
		ends   bool // soon, by a time limit
	}{
		{"yes", with(200, user, "1"), "", 200, false},
		{"yes in capitals", with(200, "ICECAST-AUTH-USER", "1"), "", 200, false},
		{"yes with a limit", with(200, user, "1", "icecast-auth-timelimit", "1"), "", 200, true},
		{"yes with another limit", with(200, user, "1", "x-limit", "1"), "timelimit_header x-limit", 200, true},
		{"yes with nonsense as a limit", with(200, user, "1", "icecast-auth-timelimit", "-5"), "", 200, false},
		{"no", with(200, user, "0"), "", 401, false},
		{"nothing", with(200), "", 401, false},
		{"a message", with(200, "icecast-auth-message", "no money"), "", 401, false},
		{"403", with(403), "", 401, false},
		{"a redirect", with(302, "Location", "http://127.0.0.1:1/"), "", 401, false},
		{"its own yes", with(200, "x-ok", "fine"), "auth_header \"X-Ok: fine\"", 200, false},
		{"its own yes, otherwise", with(200, "x-ok", "bad"), "auth_header \"X-Ok: fine\"", 401, false},
		{"500", with(500, user, "1"), "", 503, false},
		{"500, but allowed", with(500), "on_error allow", 200, false},
		{"a reset", reset, "", 503, false},
		{"a reset, but allowed", reset, "on_error allow", 200, false},
		{"too slow", slow, "timeout 300ms", 503, false},
		{"too slow, but allowed", slow, "timeout 300ms\non_error allow", 200, false},
		{"slow", slow, "timeout 10s", 200, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := harness.NewEndpoint(t, c.answer)
			s := harness.Start(t, urlAuth(e.URL, c.more))
			src := s.Source("/live.mp3")
			stop := make(chan struct{})
			done := src.Run(5*time.Millisecond, stop)
			defer func() { close(stop); <-done; src.Finish() }()
			s.WaitForMount("/live.mp3")
			resp := s.Get("/live.mp3", "bob", "x")
			if resp.StatusCode != c.status {
				t.Fatalf("the listener is answered %s, want %d", resp.Status, c.status)
			}
			if c.ends {
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Errorf("at the limit: %v", err)
				}
				s.WaitForLog(map[string]any{"reason": "time limit"})
			}
		})
	}
}

func TestUsersOfAFileMayListenAsOftenAsIsSaid(t *testing.T) {
	file := t.TempDir() + "/users"
	const password = "5f4dcc3b5aa765d61d8327deb882cf99" // password
	harness.WriteFile(t, file, "bob:"+password+"\nann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n")
	settings := func(more string) string {
		return `icecast {
	source_password hackme
	relay_password  pullme
	` + more + `
	mount /live.mp3 {
		auth htpasswd ` + file + ` {
			max_sessions 2
		}
	}
}`
	}
	s := harness.Start(t, settings(""))
	src := s.Source("/live.mp3")
	stop := make(chan struct{})
	done := src.Run(5*time.Millisecond, stop)
	defer func() { close(stop); <-done; src.Finish() }()
	s.WaitForMount("/live.mp3")
	want := func(user, password string, status int) *http.Response {
		t.Helper()
		resp := s.Get("/live.mp3", user, password)
		if resp.StatusCode != status {
			t.Errorf("%s with %q is answered %s, want %d", user, password, resp.Status, status)
		}
		return resp
	}
	want("", "", 401)
	want("bob", "", 401)
	want("bob", "wrong", 401)
	want("eve", "password", 401)
	want("relay", "password", 401)
	_ = want("relay", "pullme", 200).Body.Close()
	first := want("bob", "password", 200)
	want("bob", "password", 200)
	want("bob", "password", 403)
	want("ann", "password", 200)
	if err := s.Reload(settings("location elsewhere")); err != nil {
		t.Fatal(err)
	}
	want("bob", "password", 403)
	_ = first.Body.Close()
	harness.Eventually(t, "a place is free", func() error {
		if resp := s.Get("/live.mp3", "bob", "password"); resp.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %s", resp.Status)
		}
		return nil
	})
	harness.WriteFile(t, file, "eve:"+password+"\n")
	harness.Eventually(t, "the file is read again", func() error {
		resp := s.Get("/live.mp3", "eve", "password")
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %s", resp.Status)
		}
		return nil
	})
	want("ann", "password", 401)
}
