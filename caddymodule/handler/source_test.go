package handler_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

func TestSourcesThatAreRefused(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{
		SourcePassword: &auth.Credential{Password: "hackme"},
		Limits:         caddymodule.Limits{Sources: 2},
		Mounts: []*caddymodule.Mount{
			{Path: "/dj.mp3", SourcePassword: &auth.Credential{User: "dj", Password: "dj"}},
			{Path: "/off.mp3", SourcePassword: &auth.Credential{Password: "only here"}},
		},
	})
	h.OnAir(t, "/busy.mp3", nil)
	h.OnAir(t, "/full.mp3", nil)
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
		{"a page", "SOURCE", "/admin/metadata", "source", "hackme", "audio/mpeg", 403, "This path is a page of the station, or a playlist; expected another"},
		{"no name and no credentials", "PUT", "/", "", "", "audio/mpeg", 401, "You need to authenticate"},
		{"no path and no credentials", "SOURCE", "", "", "", "audio/mpeg", 401, "You need to authenticate"},
		{"no path", "SOURCE", "", "source", "hackme", "audio/mpeg", 400, "path does not begin with a slash; expected one such as /live.mp3"},
		{"no name", "PUT", "/", "source", "hackme", "audio/mpeg", 400, "path has empty parts, or dots between its slashes; expected one such as /live.mp3"},
		{"a name that is too long", "PUT", long, "source", "hackme", "audio/mpeg", 400, "path has 256 bytes; expected 255 at most"},
		{"a name that can't be seen", "PUT", "/%00", "source", "hackme", "audio/mpeg", 400, "path has invisible characters, or a space at its end; expected visible UTF-8"},
		{"no content type", "PUT", "/live.mp3", "source", "hackme", "", 403, "No Content-type given"},
		{"a mount that is in use", "PUT", "/busy.mp3", "source", "hackme", "audio/mpeg", 403, "Mountpoint in use"},
		{"one source too many", "SOURCE", "/live.mp3", "source", "hackme", "", 403, "too many sources connected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "http://radio.example.org"+tt.path, nil)
			if tt.user != "" {
				r.SetBasicAuth(tt.user, tt.password)
			}
			if tt.contentType != "" {
				r.Header.Set("Content-Type", tt.contentType)
			}
			resp := h.Do(t, r)
			moduletest.CheckStatus(t, resp, tt.status)
			if got := moduletest.Body(t, resp); got != tt.want+"\r\n" {
				t.Errorf("%q; want %q", got, tt.want)
			}
			if m := h.Mount(r.URL.Path); m != nil && tt.path != "/busy.mp3" {
				t.Error("the mount has come to be")
			}
		})
	}
}

func TestAStationWithoutASourcePasswordSaysWhyItRefuses(t *testing.T) {
	h := moduletest.New(t, new(caddymodule.Station))
	r := httptest.NewRequest("SOURCE", "/live%0a.mp3", nil)
	r.SetBasicAuth("source", "")
	moduletest.CheckStatus(t, h.Do(t, r), 401)
	all := h.Logs.All()
	if len(all) != 1 || all[0].Message != "source rejected: no source_password is set" {
		t.Fatalf("%v", all)
	}
	if got := all[0].ContextMap()["mount"]; got != "/live .mp3" {
		t.Errorf("mount %q", got)
	}
}

// Each line has the mount. The address is its first field, for programs that deny addresses.
func TestRefusedSourcesAndTitlesAreLogged(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{
		SourcePassword: &auth.Credential{Password: "hackme"},
		Mounts:         []*caddymodule.Mount{{Path: "/safe.mp3", SourceTLS: "required"}},
	})
	h.OnAir(t, "/busy.mp3", nil)
	for _, c := range []struct{ name, method, target, contentType, password, message, mount string }{
		{"over plain HTTP", "PUT", "/safe.mp3", "audio/mpeg", "hackme", "source rejected: source_tls is required", "/safe.mp3"},
		{"over plain HTTP, without a login", "SOURCE", "/safe.mp3", "audio/mpeg", "", "source rejected: source_tls is required", "/safe.mp3"},
		{"a mount in use", "PUT", "/busy.mp3", "audio/mpeg", "hackme", "source rejected: mount in use", "/busy.mp3"},
		{"no content type", "PUT", "/new.mp3", "", "hackme", "source rejected: missing content type", "/new.mp3"},
		{"a title", "GET", "/admin/metadata?mount=/safe.mp3&mode=updinfo&song=x", "", "hackme", "title rejected: source_tls is required", "/safe.mp3"},
		{"a title of SHOUTcast", "GET", "/admin.cgi?mount=/safe.mp3&pass=hackme&mode=updinfo&song=x", "", "", "title rejected: source_tls is required", "/safe.mp3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.Logs.TakeAll()
			r := httptest.NewRequest(c.method, c.target, nil)
			if c.password != "" {
				r.SetBasicAuth("source", c.password)
			}
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			_ = h.Do(t, r).Body.Close()
			all := h.Logs.FilterLevelExact(zap.WarnLevel).All()
			if len(all) != 1 || all[0].Message != c.message || all[0].Context[0].Key != "client_ip" {
				t.Fatalf("%v; want %q alone, the address first", all, c.message)
			}
			if fields := all[0].ContextMap(); fields["mount"] != c.mount || fields["client_ip"] != "192.0.2.1" {
				t.Errorf("%v; want mount %s", fields, c.mount)
			}
		})
	}
}

// TestASourceOfHTTP1 sends as encoders do: the head, then, once it is answered,
// the sound.
func TestASourceOfHTTP1(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{SourcePassword: &auth.Credential{Password: "hackme"}})
	w, client := newHijackable(t)
	r := httptest.NewRequest("SOURCE", "/live.mp3", nil)
	r.SetBasicAuth("source", "hackme")
	r.Header.Set("User-Agent", "encoder")
	done := make(chan error, 1)
	go func() { done <- h.Handler.ServeHTTP(w, r, moduletest.Unanswered) }()

	_ = client.SetDeadline(time.Now().Add(moduletest.Patience))
	const want = "HTTP/1.0 200 OK\r\n\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(client, got); err != nil || string(got) != want {
		t.Fatalf("%q, %v; want %q", got, err, want)
	}
	if _, err := io.WriteString(client, moduletest.MP3); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), moduletest.Patience)
	defer cancel()
	mount := h.Await(ctx, "/live.mp3")
	if mount == nil {
		t.Fatal("nothing is heard on the mount")
	}
	if stream, _ := mount.Stream(); stream.Info.UserAgent != "encoder" {
		t.Errorf("it says of itself %+v", stream.Info)
	}
	_ = client.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if h.Mount("/live.mp3") != nil {
		t.Error("the mount outlives its source")
	}
	all := h.Logs.All()
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
	h := moduletest.New(t, &caddymodule.Station{
		SourcePassword: &auth.Credential{Password: "hackme"},
		Mounts:         []*caddymodule.Mount{{Path: "/live.mp3", Takeover: new(true)}},
	})
	w, client := newHijackable(t)
	r := httptest.NewRequest("SOURCE", "/live.mp3", nil)
	r.SetBasicAuth("source", "hackme")
	done := make(chan error, 1)
	go func() { done <- h.Handler.ServeHTTP(w, r, moduletest.Unanswered) }()
	_ = client.SetDeadline(time.Now().Add(moduletest.Patience))
	if _, err := io.ReadFull(client, make([]byte, len("HTTP/1.0 200 OK\r\n\r\n"))); err != nil {
		t.Fatal(err)
	}
	h.OnAir(t, "/live.mp3", nil)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("%v; want the connection closed", err)
	}
}

func TestASourceOfHTTP2(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{SourcePassword: &auth.Credential{Password: "hackme"}})
	sound, encoder := io.Pipe()
	r := httptest.NewRequest(http.MethodPut, "/live.mp3", sound)
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	r.SetBasicAuth("source", "hackme")
	r.Header.Set("Content-Type", "audio/mpeg")
	w := &begun{httptest.NewRecorder(), make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- h.Handler.ServeHTTP(w, r, moduletest.Unanswered) }()
	<-w.head // the answer comes before the sound
	if _, err := io.WriteString(encoder, moduletest.MP3); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), moduletest.Patience)
	defer cancel()
	if h.Await(ctx, "/live.mp3") == nil {
		t.Fatal("nothing is heard on the mount")
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
	h := moduletest.New(t, &caddymodule.Station{SourcePassword: &auth.Credential{Password: "hackme"}})
	r := httptest.NewRequest("SOURCE", "/live.mp3", nil)
	r.SetBasicAuth("source", "hackme")
	err := h.Handler.ServeHTTP(httptest.NewRecorder(), r, moduletest.Unanswered)
	moduletest.CheckError(t, err, "taking over the connection: feature not supported")
	if h.Mount("/live.mp3") != nil {
		t.Error("the mount is still taken")
	}
}
