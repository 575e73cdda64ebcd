package caddymodule

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestListenerFields(t *testing.T) {
	h := newHandler(t, &Station{Mounts: []*Mount{{
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
		want        []field
	}{
		{"a source that says nothing", "/live.mp3", nil, 0, "audio/mpeg", []field{{"icy-pub", "0"}}},
		{"metadata is promised to who asks", "/meta.mp3", nil, 16000, "audio/mpeg", []field{{"icy-pub", "0"}, {"icy-metaint", "16000"}}},
		{"what the source says", "/said.mp3", said, 0, "audio/mpeg", []field{
			{"icy-br", "128"},
			{"ice-audio-info", "bitrate=128"},
			{"icy-description", "d"},
			{"icy-genre", "g"},
			{"icy-name", "Theirs"},
			{"icy-pub", "1"},
			{"icy-url", "http://u"},
		}},
		{"what the mount says over it", "/over.mp3", said, 0, "audio/x-mine", []field{
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
			b := h.onAir(t, tt.path, tt.said)
			header := make(http.Header)
			if got := listenerFields(header, streamOf(t, b.mount), tt.interval); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
			if got := header.Get("Content-Type"); got != tt.contentType {
				t.Errorf("content type %q; want %q", got, tt.contentType)
			}
		})
	}
}

func TestTheSiteMayHaveItsOwnHeader(t *testing.T) {
	h := newHandler(t, new(Station))
	b := h.onAir(t, "/live.mp3", nil)
	header := http.Header{
		"Access-Control-Allow-Origin": {"https://example.org"}, "Cache-Control": {"private"}, "Content-Type": {"text/html"},
	}
	listenerFields(header, streamOf(t, b.mount), 0)
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

func TestWhoAsksForMetadata(t *testing.T) {
	for value, want := range map[string]bool{
		"1": true, " 1 ": true, "01": true, "2": true, "-1": true,
		"0": false, "00": false, "": false, "yes": false, "1.0": false, "1,1": false, "99999999999999999999": false,
	} {
		r := httptest.NewRequest("GET", "/live.mp3", nil)
		r.Header["Icy-Metadata"] = []string{value}
		if got := clientOf(r).Metadata; got != want {
			t.Errorf("Icy-MetaData: %q: %t; want %t", value, got, want)
		}
	}
	if clientOf(httptest.NewRequest("GET", "/live.mp3", nil)).Metadata {
		t.Error("without the field: true")
	}
}

func TestClientOf(t *testing.T) {
	r := httptest.NewRequest("GET", "https://localhost/live.mp3", nil)
	r.RemoteAddr = "192.0.2.7:4711"
	r.Header.Set("User-Agent", " Winamp\x00 5\r\n\u202e ")
	r.Header.Set("Referer", "https://example.org/\tplayer")
	repl := caddy.NewReplacer()
	repl.Set("http.auth.user.id", "lis\ntener")
	r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, repl))

	got := clientOf(r)
	if got.IP.String() != "192.0.2.7" {
		t.Errorf("IP %s", got.IP)
	}
	got.IP = streaming.Client{}.IP
	want := streaming.Client{
		Agent: "Winamp 5", Referer: "https://example.org/ player", User: "lis tener", Protocol: "HTTP/1.1", Encrypted: true,
	}
	if got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestClientIP(t *testing.T) {
	for _, tt := range []struct{ name, remote, trusted, want string }{
		{"the peer", "192.0.2.7:4711", "", "192.0.2.7"},
		{"the peer over IPv6", "[2001:db8::7]:4711", "", "2001:db8::7"},
		{"what Caddy found behind a trusted proxy", "192.0.2.7:4711", "198.51.100.1", "198.51.100.1"},
		{"a unix socket", "@", "", "@"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.remote
		vars := map[string]any{}
		if tt.trusted != "" {
			vars[caddyhttp.ClientIPVarKey] = tt.trusted
		}
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, vars))
		if got := response.ClientIP(r); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}

func TestAHeadRequestGetsTheHeadAndLeaves(t *testing.T) {
	h := newHandler(t, new(Station))
	b := h.onAir(t, "/live.mp3", map[string]string{"ice-name": "Radio"})
	for _, major := range []int{1, 2} {
		r := httptest.NewRequest(http.MethodHead, "/live.mp3", nil)
		r.ProtoMajor = major
		resp := h.do(t, r)
		checkStatus(t, resp, 200)
		if got := resp.Header["icy-name"]; len(got) != 1 || got[0] != "Radio" {
			t.Errorf("HTTP/%d: icy-name %q", major, got)
		}
		if got, want := resp.Header.Get("Connection"), map[int]string{1: "close"}[major]; got != want {
			t.Errorf("HTTP/%d: Connection %q; want %q", major, got, want)
		}
		if n := b.mount.Stats().Listeners; n != 0 {
			t.Errorf("HTTP/%d: %d listeners", major, n)
		}
	}
}

func TestAListenerOfHTTP1IsLeftToTheEngine(t *testing.T) {
	h := newHandler(t, new(Station))
	b := h.onAir(t, "/live.mp3", map[string]string{"ice-name": "Radio"})
	w, client := newHijackable(t)
	r := httptest.NewRequest(http.MethodGet, "/live.mp3", nil)
	r.Header.Set("Icy-MetaData", "1")
	if err := h.ServeHTTP(w, r, unanswered); err != nil {
		t.Fatal(err)
	}
	// The handler has returned; what follows is the engine's.
	_ = client.SetDeadline(time.Now().Add(patience))
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
	b.end()
	sound, err := io.ReadAll(in)
	if err != nil || string(sound) != mp3Frames {
		t.Errorf("%d bytes, %v; want the %d that were sent", len(sound), err, len(mp3Frames))
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
	h := newHandler(t, new(Station))
	b := h.onAir(t, "/live.mp3", map[string]string{"ice-name": "Radio"})
	w := &begun{httptest.NewRecorder(), make(chan struct{})}
	go func() {
		<-w.head
		b.end()
	}()
	r := httptest.NewRequest(http.MethodGet, "/live.mp3", nil)
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	if err := h.ServeHTTP(w, r, unanswered); err != nil {
		t.Fatal(err)
	}
	resp := w.Result()
	if got := resp.Header["icy-name"]; len(got) != 1 || got[0] != "Radio" {
		t.Errorf("icy-name %q", got)
	}
	if got := resp.Header.Get("Incremental"); got != "?1" {
		t.Errorf("Incremental %q: encode would hold the sound back", got)
	}
	if got := body(t, resp); got != mp3Frames {
		t.Errorf("%d bytes; want the %d that were sent", len(got), len(mp3Frames))
	}
}

func TestListenersThatMayNotComeIn(t *testing.T) {
	h := newHandler(t, &Station{Mounts: []*Mount{
		{Path: "/inner.mp3", Direct: new(false)},
		{Path: "/small.mp3", MaxListeners: new(1)},
	}})
	h.onAir(t, "/inner.mp3", nil)
	small := h.onAir(t, "/small.mp3", nil)
	l, err := small.mount.Admit(streaming.Client{})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/inner.mp3": "mountpoint unavailable\r\n",
		"/small.mp3": "max listeners reached\r\n",
	} {
		resp := h.get(t, path)
		checkStatus(t, resp, 403)
		if got := body(t, resp); got != want {
			t.Errorf("%s: %q; want %q", path, got, want)
		}
	}
	l.Cancel()
	checkStatus(t, h.do(t, httptest.NewRequest(http.MethodHead, "/small.mp3", nil)), 200)
}

func TestAStationThatClosesTakesNobody(t *testing.T) {
	for _, method := range []string{"GET", "PUT"} {
		w := httptest.NewRecorder()
		if err := refuseStream(w, httptest.NewRequest(method, "/live.mp3", nil), streaming.ErrClosed); err != nil {
			t.Fatal(err)
		}
		checkStatus(t, w.Result(), 503)
	}
}

// The header of a stream must not be that of the page which says why there is none.
func TestARefusedListenerGetsNothingOfTheStreamsHeader(t *testing.T) {
	h := newHandler(t, &Station{Mounts: []*Mount{{Path: "/live.mp3", Direct: new(bool)}}})
	b := h.onAir(t, "/live.mp3", nil)
	b.send(t)
	defer b.end()
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		w := httptest.NewRecorder()
		if ok, err := h.serveListener(w, httptest.NewRequest(method, "/live.mp3", nil)); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if w.Code != http.StatusForbidden || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || w.Header().Get("Expires") != "" {
			t.Errorf("%s is answered %d with %v", method, w.Code, w.Header())
		}
	}
}
