package handler_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// TestWhatIsTheStations sends each kind of request and looks whether the next
// handler gets it.
func TestWhatIsTheStations(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/known.mp3"}, {Path: "/*.ogg"}}})
	h.OnAir(t, "/live.mp3", nil)
	h.OnAir(t, "/live.mp3.m3u8", nil)
	const teapot = http.StatusTeapot // what the next handler answers
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(teapot)
		return nil
	})
	for _, tt := range []struct {
		request string
		status  int
	}{
		{"GET /", teapot},
		{"GET /index.html", teapot},
		{"HEAD /live.mp3", 200},
		{"POST /live.mp3", teapot},
		{"DELETE /live.mp3", teapot},
		{"OPTIONS /live.mp3", 204},
		{"OPTIONS /known.mp3", teapot},
		{"OPTIONS /index.html", teapot},
		{"OPTIONS /admin/metadata", 204},
		{"GET /live.mp3.m3u", 200},
		{"HEAD /live.mp3.m3u", 200},
		{"GET /known.mp3.m3u", 200},
		{"GET /known.mp3", teapot},
		{"GET /other.ogg.m3u", teapot},
		{"HEAD /live.mp3.m3u8", 200},
		{"GET /status-json.xsl", 200},
		{"HEAD /status-json.xsl", 200},
		{"POST /status-json.xsl", 200},
		{"PUT /status-json.xsl", 403},
		{"SOURCE /status-json.xsl", 403},
		{"PUT /events", 403},
		{"GET /events", teapot},
		{"SOURCE /new.mp3.xspf", 403},
		{"GET /admin/metadata", 401},
		{"POST /admin/metadata", 401},
		{"GET /admin/metadata.xsl", 401},
		{"GET /admin/streamlist.txt", 401},
		{"GET /admin/", 401},
		{"GET /admin/nothing", teapot},
		{"PUT /admin/metadata", 403},
		{"SOURCE /admin/metadata", 403},
		{"PUT /upload.txt", 401},
		{"SOURCE /live.mp3", 401},
		{"PROPFIND /", teapot},
	} {
		method, path, _ := strings.Cut(tt.request, " ")
		w := httptest.NewRecorder()
		if err := h.Handler.ServeHTTP(w, httptest.NewRequest(method, path, nil), next); err != nil {
			t.Errorf("%s: %v", tt.request, err)
		}
		if w.Code != tt.status {
			t.Errorf("%s: status %d; want %d", tt.request, w.Code, tt.status)
		}
	}
}

func TestWhatNobodyAnswers(t *testing.T) {
	h := moduletest.New(t, new(caddymodule.Station))
	for _, tt := range []struct {
		method, path  string
		status        int
		allow, answer string
	}{
		{"GET", "/none.mp3", 404, "", "The file you requested could not be found: no source is on /none.mp3\r\n"},
		{"HEAD", "/none.mp3", 404, "", ""},
		{"GET", "/a%0d%0ab%00", 404, "", "The file you requested could not be found: no source is on /a  b\r\n"},
		{"POST", "/none.mp3", 405, response.Allowed, "This takes " + response.Allowed + "\r\n"},
		{"DELETE", "/none.mp3", 405, response.Allowed, "This takes " + response.Allowed + "\r\n"},
		{"PUT", "/admin/metadata", 403, "", "This path is a page of the station, or a playlist; expected another\r\n"},
		{"GET", "/none.mp3.m3u", 404, "", "The file you requested could not be found: no source is on /none.mp3.m3u\r\n"},
		{"OPTIONS", "/none.mp3", 204, response.Allowed, ""},
		{"OPTIONS", "*", 204, response.Allowed, ""},
	} {
		r := httptest.NewRequest(tt.method, "/", nil)
		r.URL.Path = tt.path
		if p, err := r.URL.Parse(tt.path); err == nil {
			r.URL.Path = p.Path
		}
		resp := h.Do(t, r)
		if resp.StatusCode != tt.status || resp.Header.Get("Allow") != tt.allow {
			t.Errorf("%s %s: status %d, Allow %q; want %d, %q", tt.method, tt.path,
				resp.StatusCode, resp.Header.Get("Allow"), tt.status, tt.allow)
		}
		if got := moduletest.Body(t, resp); got != tt.answer {
			t.Errorf("%s %s: %q; want %q", tt.method, tt.path, got, tt.answer)
		}
	}
}

// TestTheNextHandlersAnswerStands has every way in which a handler can answer.
func TestTheNextHandlersAnswerStands(t *testing.T) {
	broken := errors.New("broken")
	control := http.NewResponseController
	for _, tt := range []struct {
		name   string
		next   caddyhttp.HandlerFunc
		status int
		body   string
		err    error
	}{
		{"a status alone", func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}, 204, "", nil},
		{"a body alone", func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.WriteString(w, "hello")
			return err
		}, 200, "hello", nil},
		{"a body that is copied", func(w http.ResponseWriter, _ *http.Request) error {
			_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("hello"))
			return err
		}, 200, "hello", nil},
		{"a head that is flushed", func(w http.ResponseWriter, _ *http.Request) error {
			return control(w).Flush()
		}, 200, "", nil},
		{"hints, then an answer", func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusAccepted)
			return nil
		}, 202, "", nil},
		{"hints alone are no answer", func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusEarlyHints)
			return nil
		}, 404, "The file you requested could not be found: no source is on /page\r\n", nil},
		{"a protocol that is switched", func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusSwitchingProtocols)
			return nil
		}, 101, "", nil},
		{"an error", func(http.ResponseWriter, *http.Request) error { return broken }, 0, "", broken},
		{"an error after an answer", func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusOK)
			return broken
		}, 200, "", broken},
		{"a header alone is no answer", func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("X-Seen", "yes")
			return nil
		}, 404, "The file you requested could not be found: no source is on /page\r\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := moduletest.New(t, new(caddymodule.Station))
			w := &statuses{ResponseRecorder: httptest.NewRecorder()}
			err := h.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/page", nil), tt.next)
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v; want %v", err, tt.err)
			}
			if w.last != tt.status || w.Body.String() != tt.body {
				t.Errorf("status %d, %q; want %d, %q", w.last, w.Body, tt.status, tt.body)
			}
		})
	}
}

// statuses is a response that knows hints from an answer, as the server does.
type statuses struct {
	*httptest.ResponseRecorder
	last int
}

func (s *statuses) WriteHeader(status int) {
	s.last = status
	if status >= 200 {
		s.ResponseRecorder.WriteHeader(status)
	}
}

func (s *statuses) Write(p []byte) (int, error) {
	if s.last < 200 {
		s.last = http.StatusOK
	}
	return s.ResponseRecorder.Write(p)
}

func (s *statuses) WriteString(text string) (int, error) { return s.Write([]byte(text)) }

func (s *statuses) Flush() {
	if s.last < 200 {
		s.last = http.StatusOK
	}
	s.ResponseRecorder.Flush()
}

func TestTheNextHandlerMayTakeTheConnectionOver(t *testing.T) {
	h := moduletest.New(t, new(caddymodule.Station))
	w, _ := newHijackable(t)
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		_, _, err := http.NewResponseController(w).Hijack()
		return err
	})
	if err := h.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/socket", nil), next); err != nil {
		t.Fatal(err)
	}
	if w.Body.Len() > 0 || len(w.Header()) > 0 {
		t.Errorf("it was answered for: %v %q", w.Header(), w.Body)
	}
}

// Caddy starts its apps in any order: a server may accept before the station starts.
func TestTheFirstRequestPutsANewStationIntoForce(t *testing.T) {
	first, err := moduletest.Provision(t, &caddymodule.Station{Name: "first"})
	if err != nil {
		t.Fatal(err)
	}
	first.Get(t, "/status-json.xsl")
	if !first.IsInForce() {
		t.Fatal("a station is asked, and its settings are not in force")
	}
	next, err := moduletest.Provision(t, &caddymodule.Station{Name: "next"})
	if err != nil {
		t.Fatal(err)
	}
	next.Get(t, "/status-json.xsl")
	if !first.IsInForce() {
		t.Error("a request has put a reload into force before its apps have started")
	}
}
