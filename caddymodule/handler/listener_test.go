package handler_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/handler"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/streaming"
)

func TestListenerFields(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{{
		Path: "/over.mp3", Name: "Ours", Description: "D", Genre: "G", URL: "https://u", Bitrate: 64, Public: new(true), Type: "audio/x-mine",
	}}})
	said := map[string]string{
		"content-type": "audio/mpeg; charset=x", "ice-name": "Theirs", "ice-description": "d", "ice-genre": "g",
		"ice-url": "http://u", "ice-bitrate": "128", "ice-public": "1", "ice-audio-info": "bitrate=128",
	}
	for _, tt := range []struct {
		name, path  string
		said        map[string]string
		interval    int
		contentType string
		want        [][2]string
	}{
		{"a source that says nothing", "/live.mp3", nil, 0, "audio/mpeg", [][2]string{{"icy-pub", "0"}}},
		{"metadata is promised on request", "/meta.mp3", nil, 16000, "audio/mpeg", [][2]string{{"icy-pub", "0"}, {"icy-metaint", "16000"}}},
		{"what the source says", "/said.mp3", said, 0, "audio/mpeg", [][2]string{
			{"icy-br", "128"},
			{"ice-audio-info", "bitrate=128"},
			{"icy-description", "d"},
			{"icy-genre", "g"},
			{"icy-name", "Theirs"},
			{"icy-pub", "1"},
			{"icy-url", "http://u"},
		}},
		{"what the mount says over it", "/over.mp3", said, 0, "audio/x-mine", [][2]string{
			{"icy-br", "64"},
			{"ice-audio-info", "bitrate=128"},
			{"icy-description", "D"},
			{"icy-genre", "G"},
			{"icy-name", "Ours"},
			{"icy-pub", "1"},
			{"icy-url", "https://u"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := h.OnAir(t, tt.path, tt.said)
			header := make(http.Header)
			if got := handler.ListenerFields(header, streamOf(t, b.Mount), tt.interval); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
			if got := header.Get("Content-Type"); got != tt.contentType {
				t.Errorf("content type %q; want %q", got, tt.contentType)
			}
		})
	}
}

func TestTheSiteMayHaveItsOwnHeader(t *testing.T) {
	h := moduletest.New(t, new(caddymodule.Station))
	b := h.OnAir(t, "/live.mp3", nil)
	header := http.Header{
		"Access-Control-Allow-Origin": {"https://example.org"}, "Cache-Control": {"private"}, "Content-Type": {"text/html"},
	}
	handler.ListenerFields(header, streamOf(t, b.Mount), 0)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":   "https://example.org",
		"Cache-Control":                 "private",
		"Content-Type":                  "audio/mpeg", // what the stream is, is no matter of taste
		"Pragma":                        "no-cache",
		"X-Content-Type-Options":        "nosniff",
		"Access-Control-Expose-Headers": "Icy-Br, Icy-Description, Icy-Genre, Icy-MetaInt, Icy-Name, Icy-Pub, Icy-Url",
	} {
		if got := header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q; want %q", name, got, want)
		}
	}
}

func TestAHeadRequestGetsTheHeadAndLeaves(t *testing.T) {
	h := moduletest.New(t, new(caddymodule.Station))
	b := h.OnAir(t, "/live.mp3", map[string]string{"ice-name": "Radio"})
	for _, major := range []int{1, 2} {
		r := httptest.NewRequest(http.MethodHead, "/live.mp3", nil)
		r.ProtoMajor = major
		resp := h.Do(t, r)
		moduletest.CheckStatus(t, resp, 200)
		if got := resp.Header["icy-name"]; len(got) != 1 || got[0] != "Radio" {
			t.Errorf("HTTP/%d: icy-name %q", major, got)
		}
		if got, want := resp.Header.Get("Connection"), map[int]string{1: "close"}[major]; got != want {
			t.Errorf("HTTP/%d: Connection %q; want %q", major, got, want)
		}
		if n := b.Mount.Stats().Listeners; n != 0 {
			t.Errorf("HTTP/%d: %d listeners", major, n)
		}
	}
}

func TestAListenerOfHTTP1IsLeftToTheEngine(t *testing.T) {
	h := moduletest.New(t, new(caddymodule.Station))
	b := h.OnAir(t, "/live.mp3", map[string]string{"ice-name": "Radio"})
	w, client := newHijackable(t)
	r := httptest.NewRequest(http.MethodGet, "/live.mp3", nil)
	r.Header.Set("Icy-MetaData", "1")
	if err := h.Handler.ServeHTTP(w, r, moduletest.Unanswered); err != nil {
		t.Fatal(err)
	}
	// The handler has returned; what follows is the engine's.
	_ = client.SetDeadline(time.Now().Add(moduletest.Patience))
	in := bufio.NewReader(client)
	var first strings.Builder
	for !strings.HasSuffix(first.String(), "\r\n\r\n") {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, first.String())
		}
		first.WriteString(line)
	}
	for _, want := range []string{"HTTP/1.1 200 OK\r\n", "\r\nContent-Type: audio/mpeg\r\n", "\r\nicy-name:Radio\r\n", "\r\nicy-metaint:16000\r\n"} {
		if !strings.Contains(first.String(), want) {
			t.Errorf("no %q in %q", want, first.String())
		}
	}
	b.End()
	sound, err := io.ReadAll(in)
	if err != nil || string(sound) != moduletest.MP3 {
		t.Errorf("%d bytes, %v; want the %d that were sent", len(sound), err, len(moduletest.MP3))
	}
}

// begun is a response that tells when its head is written.
type begun struct {
	*httptest.ResponseRecorder
	head chan struct{}
}

func (b *begun) WriteHeader(status int) {
	b.ResponseRecorder.WriteHeader(status)
	close(b.head)
}

func TestAListenerOfHTTP2IsServedInItsHandler(t *testing.T) {
	h := moduletest.New(t, new(caddymodule.Station))
	b := h.OnAir(t, "/live.mp3", map[string]string{"ice-name": "Radio"})
	w := &begun{httptest.NewRecorder(), make(chan struct{})}
	go func() {
		<-w.head
		b.End()
	}()
	r := httptest.NewRequest(http.MethodGet, "/live.mp3", nil)
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	if err := h.Handler.ServeHTTP(w, r, moduletest.Unanswered); err != nil {
		t.Fatal(err)
	}
	resp := w.Result()
	if got := resp.Header["icy-name"]; len(got) != 1 || got[0] != "Radio" {
		t.Errorf("icy-name %q", got)
	}
	if got := resp.Header.Get("Incremental"); got != "?1" {
		t.Errorf("Incremental %q: encode would hold the sound back", got)
	}
	if got := moduletest.Body(t, resp); got != moduletest.MP3 {
		t.Errorf("%d bytes; want the %d that were sent", len(got), len(moduletest.MP3))
	}
}

func TestListenersThatMayNotComeIn(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{
		{Path: "/inner.mp3", Direct: new(false)},
		{Path: "/small.mp3", MaxListeners: new(1)},
	}})
	h.OnAir(t, "/inner.mp3", nil)
	small := h.OnAir(t, "/small.mp3", nil)
	l, err := small.Mount.Admit(streaming.Client{})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/inner.mp3": "mountpoint unavailable\r\n",
		"/small.mp3": "max listeners reached\r\n",
	} {
		resp := h.Get(t, path)
		moduletest.CheckStatus(t, resp, 403)
		if got := moduletest.Body(t, resp); got != want {
			t.Errorf("%s: %q; want %q", path, got, want)
		}
	}
	l.Cancel()
	moduletest.CheckStatus(t, h.Do(t, httptest.NewRequest(http.MethodHead, "/small.mp3", nil)), 200)
}

// The header of a stream must not be that of the page which says why there is none.
func TestARefusedListenerGetsNothingOfTheStreamsHeader(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/live.mp3", Direct: new(bool)}}})
	b := h.OnAir(t, "/live.mp3", nil)
	b.Send(t)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		resp := h.Do(t, httptest.NewRequest(method, "/live.mp3", nil))
		if resp.StatusCode != http.StatusForbidden || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" || resp.Header.Get("Expires") != "" {
			t.Errorf("%s is answered %d with %v", method, resp.StatusCode, resp.Header)
		}
	}
}

// streamOf returns what listeners of a mount hear.
func streamOf(t *testing.T, m *streaming.Mount) streaming.Stream {
	t.Helper()
	s, ok := m.Stream()
	if !ok {
		t.Fatalf("there is nothing to hear on %s", m.Path)
	}
	return s
}
