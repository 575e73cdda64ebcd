package tests

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// post is what an endpoint was sent.
type post struct {
	path   string
	header http.Header
	body   string
}

// event reads the body as an event in JSON.
func (p post) event(t testing.TB) map[string]any {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal([]byte(p.body), &e); err != nil {
		t.Fatalf("%v in what was posted: %q", err, p.body)
	}
	return e
}

// form reads the body as a form.
func (p post) form(t testing.TB) url.Values {
	t.Helper()
	v, err := url.ParseQuery(p.body)
	if err != nil {
		t.Fatalf("%v in what was posted: %q", err, p.body)
	}
	return v
}

// endpoint is an HTTP server that keeps what it is sent.
type endpoint struct {
	*httptest.Server
	t testing.TB

	mu     sync.Mutex
	posts  []post // those that were answered with success
	answer func(w http.ResponseWriter, p post) bool
}

// newEndpoint starts an endpoint, which answers 200 as long as answer is nil.
// answer tells whether it has answered with success.
func newEndpoint(t testing.TB, answer func(w http.ResponseWriter, p post) bool) *endpoint {
	e := &endpoint{t: t, answer: answer}
	ln, err := net.Listen("tcp", freeAddress(t)) // never one that had an endpoint, for which posts may be left
	if err != nil {
		t.Fatal(err)
	}
	e.Server = &httptest.Server{Listener: ln, Config: &http.Server{Handler: e}}
	e.Start()
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p := post{r.URL.Path, r.Header, string(body)}
	e.mu.Lock()
	answer := e.answer
	e.mu.Unlock()
	if answer == nil || answer(w, p) {
		e.mu.Lock()
		e.posts = append(e.posts, p)
		e.mu.Unlock()
	}
}

// behave changes how the endpoint answers.
func (e *endpoint) behave(answer func(w http.ResponseWriter, p post) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = answer
}

func (e *endpoint) all() []post {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.posts)
}

// events waits for that many events and returns all that came.
func (e *endpoint) events(n int) (events []map[string]any) {
	e.t.Helper()
	eventually(e.t, fmt.Sprintf("%d events are posted", n), func() error {
		if got := e.all(); len(got) < n {
			return fmt.Errorf("%d were: %s", len(got), names(e.t, got))
		}
		return nil
	})
	for _, p := range e.all() {
		events = append(events, p.event(e.t))
	}
	return events
}

func names(t testing.TB, posts []post) string {
	var all []string
	for _, p := range posts {
		all = append(all, fmt.Sprint(p.event(t)["event"]))
	}
	return strings.Join(all, " ")
}
