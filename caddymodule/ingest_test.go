package caddymodule

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestSourceAnswer(t *testing.T) {
	for _, tt := range []struct{ method, proto, expect, want string }{
		{"SOURCE", "HTTP/1.0", "", "HTTP/1.0 200 OK\r\n\r\n"},
		{"SOURCE", "HTTP/1.1", "", "HTTP/1.0 200 OK\r\n\r\n"},
		{"SOURCE", "HTTP/1.1", "100-continue", "HTTP/1.0 200 OK\r\n\r\n"},
		{"PUT", "HTTP/1.0", "", "HTTP/1.0 200 OK\r\n\r\n"},
		{"PUT", "HTTP/1.0", "100-continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\n"},
		{"PUT", "HTTP/1.1", "", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
		{"PUT", "HTTP/1.1", "100-Continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
	} {
		r := httptest.NewRequest(tt.method, "/live.mp3", nil)
		r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(tt.proto)
		r.Header.Set("Expect", tt.expect)
		if got := sourceAnswer(r); got != tt.want {
			t.Errorf("%s %s %q: %q; want %q", tt.method, tt.proto, tt.expect, got, tt.want)
		}
	}
}

func TestSourceBody(t *testing.T) {
	const early, late = "what came with the head ", "and what comes after it"
	for _, tt := range []struct {
		name    string
		length  int64
		chunked bool
		sent    [2]string
		want    string
		wantErr error
	}{
		{"no length is all that comes", 0, false, [2]string{early, late}, early + late, nil},
		{"nothing came with the head", 0, false, [2]string{"", late}, late, nil},
		{"an unknown length is all that comes", -1, false, [2]string{early, late}, early + late, nil},
		{"a length ends it", 10, false, [2]string{early, late}, early[:10], nil},
		{"a length that is longer than what came with the head", 30, false, [2]string{early, late}, (early + late)[:30], nil},
		{"chunks", -1, true, [2]string{"5\r\nhel", "lo\r\n6;x=y\r\n there\r\n0\r\n\r\n"}, "hello there", nil},
		{"a chunk that is cut off", -1, true, [2]string{"5\r\nhel", ""}, "hel", io.ErrUnexpectedEOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, client := net.Pipe()
			defer server.Close()
			go func() {
				_, _ = io.WriteString(client, tt.sent[0])
				_, _ = io.WriteString(client, tt.sent[1])
				_ = client.Close()
			}()
			buffered := bufio.NewReader(server)
			if _, err := buffered.Peek(len(tt.sent[0])); err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPut, "/live.mp3", nil)
			r.ContentLength = tt.length
			if tt.chunked {
				r.TransferEncoding = []string{"chunked"}
			}
			got, err := io.ReadAll(sourceBody(r, server, buffered))
			if string(got) != tt.want || !errors.Is(err, tt.wantErr) {
				t.Errorf("%q, %v; want %q, %v", got, err, tt.want, tt.wantErr)
			}
		})
	}
}

func TestInterval(t *testing.T) {
	for value, want := range map[string]int{
		"": 0, "0": 0, "16000": 16000, "1": 1, "1048576": 1048576,
		"1048577": 0, "-1": 0, "often": 0, "99999999999999999999": 0,
	} {
		r := httptest.NewRequest("SOURCE", "/live.mp3", nil)
		r.Header.Set("Icy-Metaint", value)
		if got := interval(r); got != want {
			t.Errorf("%q: %d; want %d", value, got, want)
		}
	}
}

func TestSourcesThatAreRefused(t *testing.T) {
	h := newHandler(t, &Station{
		SourcePassword: &Credential{Password: "hackme"},
		Limits:         Limits{Sources: 2},
		Mounts: []*Mount{
			{Path: "/dj.mp3", SourcePassword: &Credential{User: "dj", Password: "dj"}},
			{Path: "/off.mp3", SourcePassword: &Credential{Password: "only here"}},
		},
	})
	h.onAir(t, "/busy.mp3", nil)
	h.onAir(t, "/full.mp3", nil)
	long := "/" + strings.Repeat("x", 255)
	for _, tt := range []struct {
		name, method, path, user, password, contentType string
		status                                          int
		want                                            string
	}{
		{"no credentials", "SOURCE", "/live.mp3", "", "", "audio/mpeg", 401, "You need to authenticate"},
		{"a wrong password", "PUT", "/live.mp3", "source", "wrong", "audio/mpeg", 401, "You need to authenticate"},
		{"a wrong user", "PUT", "/live.mp3", "admin", "hackme", "audio/mpeg", 401, "You need to authenticate"},
		{"the station's password on a mount with its own", "PUT", "/dj.mp3", "source", "hackme", "audio/mpeg", 401, "You need to authenticate"},
		{"a page", "SOURCE", "/admin/metadata", "source", "hackme", "audio/mpeg", 400, "that is a page of the station; name the mount otherwise"},
		{"no name", "PUT", "/", "source", "hackme", "audio/mpeg", 400, "a mount wants a name, without empty parts or dots between its slashes, such as /live.mp3"},
		{"a name that is too long", "PUT", long, "source", "hackme", "audio/mpeg", 400, "the name of a mount is 255 bytes at most; these are 256"},
		{"a name that can't be seen", "PUT", "/%00", "source", "hackme", "audio/mpeg", 400, "the name of a mount has only characters that can be seen, in UTF-8, and no space at its end"},
		{"no content type", "PUT", "/live.mp3", "source", "hackme", "", 403, "No Content-type given"},
		{"a mount that is in use", "PUT", "/busy.mp3", "source", "hackme", "audio/mpeg", 403, "Mountpoint in use"},
		{"one source too many", "SOURCE", "/live.mp3", "source", "hackme", "", 403, "too many sources connected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.path, nil)
			if tt.user != "" {
				r.SetBasicAuth(tt.user, tt.password)
			}
			if tt.contentType != "" {
				r.Header.Set("Content-Type", tt.contentType)
			}
			resp := h.do(t, r)
			checkStatus(t, resp, tt.status)
			if got := body(t, resp); got != tt.want+"\r\n" {
				t.Errorf("%q; want %q", got, tt.want)
			}
			if m := h.station.live.Mount(r.URL.Path); m != nil && tt.path != "/busy.mp3" {
				t.Error("the mount has come to be")
			}
		})
	}
}

func TestAStationWithoutASourcePasswordSaysWhyItRefuses(t *testing.T) {
	h, lines := newLoggedHandler(t, new(Station))
	r := httptest.NewRequest("SOURCE", "/live%0a.mp3", nil)
	r.SetBasicAuth("source", "")
	checkStatus(t, h.do(t, r), 401)
	all := lines.All()
	if len(all) != 1 || all[0].Message != "a source was refused since no source_password is set" {
		t.Fatalf("%v", all)
	}
	if got := all[0].ContextMap()["mount"]; got != "/live .mp3" {
		t.Errorf("mount %q", got)
	}
}

// TestASourceOfHTTP1 sends as encoders do: the head, then, once it is answered,
// the sound.
func TestASourceOfHTTP1(t *testing.T) {
	h, lines := newLoggedHandler(t, &Station{SourcePassword: &Credential{Password: "hackme"}})
	w, client := newHijackable(t)
	r := httptest.NewRequest("SOURCE", "/live.mp3", nil)
	r.SetBasicAuth("source", "hackme")
	r.Header.Set("User-Agent", "encoder")
	done := make(chan error, 1)
	go func() { done <- h.ServeHTTP(w, r, unanswered) }()

	_ = client.SetDeadline(time.Now().Add(patience))
	const want = "HTTP/1.0 200 OK\r\n\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(client, got); err != nil || string(got) != want {
		t.Fatalf("%q, %v; want %q", got, err, want)
	}
	if _, err := io.WriteString(client, mp3Frames); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	mount := h.station.live.Await(ctx, "/live.mp3")
	if mount == nil {
		t.Fatal("the mount did not come on the air")
	}
	if stream, _ := mount.Stream(); stream.Info.UserAgent != "encoder" {
		t.Errorf("it says of itself %+v", stream.Info)
	}
	_ = client.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if h.station.live.Mount("/live.mp3") != nil {
		t.Error("the mount outlives its source")
	}
	all := lines.All()
	if len(all) != 2 || all[0].Message != "source connected" || all[1].Message != "source disconnected" {
		t.Fatalf("%v", all)
	}
	fields := all[1].ContextMap()
	for name, want := range map[string]any{
		"mount": "/live.mp3", "client_ip": "192.0.2.1", "user_agent": "encoder", "reason": "finished",
	} {
		if fields[name] != want {
			t.Errorf("%s: %v; want %v", name, fields[name], want)
		}
	}
}

// TestASourceThatIsReplacedLetsGo: its connection is silent, but still open.
func TestASourceThatIsReplacedLetsGo(t *testing.T) {
	h := newHandler(t, &Station{
		SourcePassword: &Credential{Password: "hackme"},
		Mounts:         []*Mount{{Path: "/live.mp3", Takeover: new(true)}},
	})
	w, client := newHijackable(t)
	r := httptest.NewRequest("SOURCE", "/live.mp3", nil)
	r.SetBasicAuth("source", "hackme")
	done := make(chan error, 1)
	go func() { done <- h.ServeHTTP(w, r, unanswered) }()
	_ = client.SetDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(client, make([]byte, len("HTTP/1.0 200 OK\r\n\r\n"))); err != nil {
		t.Fatal(err)
	}
	h.onAir(t, "/live.mp3", nil)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("%v; want the connection closed", err)
	}
}

func TestASourceOfHTTP2(t *testing.T) {
	h := newHandler(t, &Station{SourcePassword: &Credential{Password: "hackme"}})
	sound, encoder := io.Pipe()
	r := httptest.NewRequest(http.MethodPut, "/live.mp3", sound)
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	r.SetBasicAuth("source", "hackme")
	r.Header.Set("Content-Type", "audio/mpeg")
	w := &begun{httptest.NewRecorder(), make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- h.ServeHTTP(w, r, unanswered) }()
	<-w.head // the answer comes before the sound
	if _, err := io.WriteString(encoder, mp3Frames); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if h.station.live.Await(ctx, "/live.mp3") == nil {
		t.Fatal("the mount did not come on the air")
	}
	_ = encoder.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}

func TestASourceWhoseConnectionCanNotBeTakenOverFreesItsMount(t *testing.T) {
	h := newHandler(t, &Station{SourcePassword: &Credential{Password: "hackme"}})
	r := httptest.NewRequest("SOURCE", "/live.mp3", nil)
	r.SetBasicAuth("source", "hackme")
	err := h.ServeHTTP(httptest.NewRecorder(), r, unanswered)
	checkError(t, err, "taking over the connection: feature not supported")
	if h.station.live.Mount("/live.mp3") != nil {
		t.Error("the mount is still taken")
	}
}
