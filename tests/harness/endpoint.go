package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Allow is an answer of an Endpoint that lets everybody in.
func Allow(w http.ResponseWriter, _ Post) bool {
	w.Header().Set("Icecast-Auth-User", "1")
	return true
}

// Bodies waits for so many posts to a path, and returns their bodies.
func (e *Endpoint) Bodies(path string, n int) (bodies []string) {
	e.t.Helper()
	Eventually(e.t, fmt.Sprintf("%s has %d posts", path, n), func() error {
		bodies = nil
		for _, p := range e.All() {
			if p.Path == path {
				bodies = append(bodies, p.Body)
			}
		}
		if len(bodies) < n {
			return fmt.Errorf("it has %d", len(bodies))
		}
		return nil
	})
	return bodies
}

// Post is a request that an Endpoint received.
type Post struct {
	Path   string
	Header http.Header
	Body   string
}

// event parses the body as an event in JSON.
func (p Post) event(t testing.TB) map[string]any {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal([]byte(p.Body), &e); err != nil {
		t.Fatalf("%v in what was posted: %q", err, p.Body)
	}
	return e
}

// Form reads the body as a form. Handlers call it on goroutines of their own, so a body
// that is no form is an error of the test, and the rest of the form what is returned.
func (p Post) Form(t testing.TB) url.Values {
	t.Helper()
	v, err := url.ParseQuery(p.Body)
	if err != nil {
		t.Errorf("%v in what was posted: %q", err, p.Body)
	}
	return v
}

// Endpoint is an HTTP server that keeps the posts it receives.
type Endpoint struct {
	*httptest.Server
	t testing.TB

	mu     sync.Mutex
	posts  []Post // those that were answered with success
	answer func(w http.ResponseWriter, p Post) bool
}

// NewEndpoint starts an endpoint. answer writes the response, on a goroutine of its own, and
// reports whether that was a success; nil: 200.
func NewEndpoint(t testing.TB, answer func(w http.ResponseWriter, p Post) bool) *Endpoint {
	e := &Endpoint{t: t, answer: answer}
	ln, err := net.Listen("tcp", FreeAddress(t)) // never one that had an endpoint, for which posts may be left
	if err != nil {
		t.Fatal(err)
	}
	e.Server = &httptest.Server{Listener: ln, Config: &http.Server{Handler: e}}
	e.Start()
	t.Cleanup(e.Close)
	return e
}

func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p := Post{r.URL.Path, r.Header, string(body)}
	e.mu.Lock()
	answer := e.answer
	e.mu.Unlock()
	if answer == nil || answer(w, p) {
		e.mu.Lock()
		e.posts = append(e.posts, p)
		e.mu.Unlock()
	}
}

// SetAnswer changes how the endpoint answers.
func (e *Endpoint) SetAnswer(answer func(w http.ResponseWriter, p Post) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = answer
}

// All returns the posts that were answered with success.
func (e *Endpoint) All() []Post {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.posts)
}

// Events waits for so many events, and returns all that were posted.
func (e *Endpoint) Events(n int) (events []map[string]any) {
	e.t.Helper()
	Eventually(e.t, fmt.Sprintf("%d events are posted", n), func() error {
		if got := e.All(); len(got) < n {
			return fmt.Errorf("%d were: %s", len(got), names(e.t, got))
		}
		return nil
	})
	for _, p := range e.All() {
		events = append(events, p.event(e.t))
	}
	return events
}

func names(t testing.TB, posts []Post) string {
	var all []string
	for _, p := range posts {
		all = append(all, fmt.Sprint(p.event(t)["event"]))
	}
	return strings.Join(all, " ")
}

// PostedBodies lists the posts that an endpoint received, without values that differ from run
// to run.
func PostedBodies(e *Endpoint, port string) string {
	var posts []string
	differs := regexp.MustCompile(`(client|duration)=\d+`)
	for _, path := range []string{"/source", "/up", "/add", "/remove", "/down"} {
		for _, p := range e.All() {
			if p.Path != path {
				continue
			}
			body := differs.ReplaceAllString(p.Body, "$1=N")
			posts = append(posts, fmt.Sprintf("%s %s %s %s\n", path, p.Header.Get("Content-Type"), p.Header.Get("Authorization"), strings.ReplaceAll(body, "port="+port, "port=PORT")))
		}
	}
	slices.Sort(posts) // those of several listeners come in any order
	return strings.Join(posts, "")
}
