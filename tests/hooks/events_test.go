package hooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// allEvents is a station that posts all events of its mounts to a URL.
func allEvents(url string, more ...string) string {
	return `icecast {
	source_password hackme
	admin_password  letmein
	on source_connected source_disconnected listener_added listener_removed metadata_updated fallback_engaged fallback_released mount_full webhook ` + url + `
	` + strings.Join(more, "\n\t") + `
}`
}

func TestTheLifeOfAMountIsToldInOrder(t *testing.T) {
	e := harness.NewEndpoint(t, nil)
	s := harness.Start(t, allEvents(e.URL, `mount /live.mp3 {
		fallback      /backup.mp3
		max_listeners 1
	}`))
	backup := s.Source("/backup.mp3")
	backup.Send(100)
	e.Events(1)
	live := s.Source("/live.mp3")
	live.Send(100)
	s.WaitForFeed("/live.mp3", "/live.mp3") // or a new listener hears the fallback for a moment
	s.Open("/live.mp3", harness.HTTP1, false, func(body io.Reader) { _, _ = io.Copy(io.Discard, body) })
	e.Events(3)
	resp, err := http.Get("http://" + s.Plain + "/live.mp3")
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode != http.StatusForbidden {
		t.Fatalf("the second listener is answered %s", resp.Status)
	}
	e.Events(4)
	s.SetTitle("/live.mp3", "A - B\r\nX: y")
	s.SetTitle("/live.mp3", "A - B\r\nX: y")
	e.Events(5)
	live.Finish()
	e.Events(7)
	live = s.Source("/live.mp3")
	live.Send(100)
	e.Events(9)
	backup.Finish()
	e.Events(10)
	live.Finish()
	events := e.Events(12)

	var told []string
	for _, ev := range events {
		told = append(told, fmt.Sprintf("%v %v", ev["event"], ev["mount"]))
	}
	want := []string{
		"source_connected /backup.mp3", "source_connected /live.mp3", "listener_added /live.mp3",
		"mount_full /live.mp3", "metadata_updated /live.mp3", "source_disconnected /live.mp3", "fallback_engaged /live.mp3",
		"source_connected /live.mp3", "fallback_released /live.mp3", "source_disconnected /backup.mp3",
		"source_disconnected /live.mp3",
	}
	if got := strings.Join(told[:11], "\n"); got != strings.Join(want, "\n") {
		t.Errorf("told was\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if len(events) != 12 || events[11]["event"] != "listener_removed" {
		t.Errorf("at the end it was told %v", told[11:])
	}
	said := func(i int, fields map[string]any) {
		t.Helper()
		for k, v := range fields {
			if fmt.Sprint(events[i][k]) != fmt.Sprint(v) {
				t.Errorf("%s: %s is %v, want %v", told[i], k, events[i][k], v)
			}
		}
	}
	said(1, map[string]any{"ip": "127.0.0.1", "user": "source", "name": "Test", "content_type": "audio/mpeg", "station": "default"})
	said(2, map[string]any{"ip": "127.0.0.1", "listeners": 1, "tls": false, "protocol": "HTTP/1.1"})
	said(3, map[string]any{"listeners": 1, "max_listeners": 1, "reason": "max listeners reached"})
	said(4, map[string]any{"song": "A - B  X: y"})
	said(5, map[string]any{"reason": "finished", "bytes": 41796})
	said(6, map[string]any{"from": "/live.mp3", "to": "/backup.mp3", "listeners": 1})
	said(8, map[string]any{"from": "/backup.mp3", "to": "/live.mp3"})
	said(11, map[string]any{"client": events[2]["client"], "reason": "source ended", "listeners": 0})
	ids := make(map[any]bool)
	for _, ev := range events {
		ids[ev["id"]] = true
	}
	if len(ids) != len(events) {
		t.Errorf("%d events have %d ids", len(events), len(ids))
	}
}

func TestWhoIsNotLetInIsNoEvent(t *testing.T) {
	e := harness.NewEndpoint(t, nil)
	s := harness.Start(t, allEvents(e.URL))
	for _, credentials := range []string{"", harness.BasicAuth("source", "wrong"), harness.BasicAuth("nobody", "hackme")} {
		for _, method := range []string{"SOURCE", "PUT", "OPTIONS"} {
			conn := s.Dial(false)
			resp, _ := harness.SendHead(t, conn, method+" /m HTTP/1.1\r\nHost: x\r\n"+credentials+"Content-Type: audio/mpeg\r\n\r\n")
			if method != "OPTIONS" && resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s is answered %s", method, resp.Status)
			}
			_ = conn.Close()
		}
	}
	resp, err := http.Get("http://" + s.Plain + "/m") // no mount
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	s.Source("/last").Finish()
	if events := e.Events(2); len(events) != 2 || events[0]["mount"] != "/last" {
		t.Errorf("told was %v", events)
	}
}

// eventCatcher is a handler of Caddy's events.
type eventCatcher struct{}

var caught struct {
	mu    sync.Mutex
	names []string
	block chan struct{} // what handlers wait for; nil: they don't
}

func init() { caddy.RegisterModule(eventCatcher{}) }

func (eventCatcher) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.catcher", New: func() caddy.Module { return new(eventCatcher) }}
}

func (eventCatcher) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

func (eventCatcher) Handle(_ context.Context, e caddy.Event) error {
	caught.mu.Lock()
	caught.names = append(caught.names, fmt.Sprint(e.Name(), " ", e.Data["mount"]))
	block := caught.block
	caught.mu.Unlock()
	if block != nil {
		<-block
	}
	return nil
}

func TestCaddysEventsAreToldAndMayTakeTheirTime(t *testing.T) {
	caught.names, caught.block = nil, make(chan struct{})
	release := sync.OnceFunc(func() { close(caught.block) })
	defer release()
	s := harness.Start(t, harness.Station+`
	events {
		on icecast.source_connected   catcher
		on icecast.source_disconnected catcher
	}`)
	for range 3 {
		src := s.Source("/m")
		src.Send(50)
		l := s.Listen("/m", harness.HTTP1, false)
		src.Send(50)
		src.Finish()
		l.WaitForEnd()
		s.WaitUntilGone("/m")
	}
	release()
	want := strings.Repeat(" icecast.source_connected /m icecast.source_disconnected /m", 3)[1:]
	harness.Eventually(t, "all events arrive", func() error {
		caught.mu.Lock()
		defer caught.mu.Unlock()
		if got := strings.Join(caught.names, " "); got != want {
			return fmt.Errorf("told was %s", got)
		}
		return nil
	})
}

func TestAHandlerThatNeverReturnsKeepsNobodyFromEnding(t *testing.T) {
	caught.names, caught.block = nil, make(chan struct{})
	defer close(caught.block)
	s := harness.Start(t, harness.Station+`
	events {
		on icecast.source_connected catcher
	}`)
	src := s.Source("/m")
	harness.Eventually(t, "the handler is called", func() error {
		caught.mu.Lock()
		defer caught.mu.Unlock()
		if len(caught.names) == 0 {
			return errors.New("it is not")
		}
		return nil
	})
	if err := s.Reload(harness.Station); err != nil {
		t.Fatal(err)
	}
	src.Send(10)
	src.Finish()
	harness.StopCaddy(t)
}

func TestEventsOfAMountComeOnceAndInOrderAcrossReloadsAndFailures(t *testing.T) {
	const sources = 60
	var calls atomic.Int64
	e := harness.NewEndpoint(t, func(w http.ResponseWriter, _ harness.Post) bool {
		if calls.Add(1)%10 == 7 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return false
		}
		return true
	})
	settings := func(n int) string {
		return fmt.Sprintf(`icecast {
	source_password hackme
	admin_password  letmein
	location        %d
	on source_connected webhook %s {
		secret shared
		header X-Generation %d
	}
}`, n, e.URL, n)
	}
	s := harness.Start(t, settings(-1))
	for i := range sources {
		conn := s.Dial(false)
		resp, _ := harness.SendHead(t, conn, fmt.Sprintf("SOURCE /m HTTP/1.0\r\n%sContent-Type: audio/mpeg\r\nIce-Name: %d\r\n\r\n",
			harness.BasicAuth("source", "hackme"), i))
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("source %d is answered %s", i, resp.Status)
		}
		_ = conn.Close()
		s.WaitUntilGone("/m")
		if i%10 == 0 {
			if err := s.Reload(settings(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, event := range e.Events(sources) {
		if event["name"] != fmt.Sprint(i) {
			t.Fatalf("source %v came where %d was due", event["name"], i)
		}
	}
	all := e.All()
	if last := all[len(all)-1]; len(all) != sources || last.Header.Get("X-Generation") != "50" ||
		last.Header.Get("X-Icecast-Signature") != hooks.Sign([]byte("shared"), []byte(last.Body)) {
		t.Errorf("%d came, the last with %v", len(all), last.Header)
	}
}

// TestStreamsDoNotWaitForHooks has every hook of a station hang, while sources and
// listeners come and go.
func TestStreamsDoNotWaitForHooks(t *testing.T) {
	hang, held := make(chan struct{}), filepath.Join(t.TempDir(), "held")
	harness.WriteFile(t, held, "")
	program := filepath.Join(t.TempDir(), "program")
	harness.WriteFile(t, program, "#!/bin/sh\nwhile [ -e "+held+" ]; do sleep 0.1; done\n")
	harness.MakeExecutable(t, program)
	release := sync.OnceFunc(func() {
		close(hang)
		_ = os.Remove(held)
	})
	defer release()
	e := harness.NewEndpoint(t, func(w http.ResponseWriter, p harness.Post) bool {
		if p.Path != "/add" {
			<-hang
		}
		return harness.Allow(w, p)
	})
	caught.names, caught.block = nil, hang
	s := harness.Start(t, `icecast {
	source_password hackme
	admin_password  letmein
	on source_connected source_disconnected listener_added listener_removed metadata_updated webhook `+e.URL+`/hook
	on source_connected listener_added metadata_updated exec `+program+`
	mount /asked.mp3 {
		auth url {
			listener_add    `+e.URL+`/add
			listener_remove `+e.URL+`/remove
			mount_add       `+e.URL+`/up
		}
	}
}
events {
	on icecast.listener_added catcher
}`)
	var done []<-chan struct{}
	stop := make(chan struct{})
	sources := map[string]*harness.Source{"/free.mp3": nil, "/asked.mp3": nil}
	for path := range sources {
		sources[path] = s.Source(path)
		done = append(done, sources[path].Run(numbered.Duration, stop))
		s.WaitForMount(path)
	}
	l, w := s.Listen("/asked.mp3", harness.HTTP1, false), s.ListenVerifying("/free.mp3", harness.HTTP1, false)
	for i := range 100 {
		for _, path := range []string{"/free.mp3", "/asked.mp3"} {
			resp := s.Get(path, "bob", "x")
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("a listener is answered %s", resp.Status)
			}
			_ = resp.Body.Close()
		}
		if i == 0 || i == 99 { // others between them may be left out
			s.SetTitle("/free.mp3", fmt.Sprint("title ", i))
		}
	}
	close(stop)
	for _, d := range done {
		<-d
	}
	harness.Eventually(t, "all that was sent is heard while every hook hangs", func() error {
		if last := sources["/free.mp3"].Next.Load() - 1; w.HeardFrame.Load() < last {
			return fmt.Errorf("frame %d of %d is", w.HeardFrame.Load(), last)
		}
		return nil
	})
	for path, src := range sources {
		src.Finish()
		if path == "/asked.mp3" && l.WaitForEnd().Last != src.Next.Load()-1 {
			t.Error("a listener has not heard all")
		}
	}
	release()
	harness.Eventually(t, "all events arrive at last", func() error {
		for path, want := range map[string]int{"/hook": 2*2 + 2*202 + 2, "/remove": 101, "/up": 1} {
			n := 0
			for _, p := range e.All() {
				if p.Path == path {
					n++
				}
			}
			if n != want {
				return fmt.Errorf("%s has %d posts, of %d", path, n, want)
			}
		}
		return nil
	})
}

func TestProgramsAreRunAsIcecastRunsThem(t *testing.T) {
	out := t.TempDir() + "/out"
	script := t.TempDir() + "/script"
	harness.WriteFile(t, script, "#!/bin/sh\necho \"$#|$1|$2|$ICECAST_EVENT|$ICECAST_MOUNT|$ICECAST_REASON\" >> "+out+"\n")
	harness.MakeExecutable(t, script)
	s := harness.Start(t, `icecast {
	source_password hackme
	admin_password letmein
	on metadata_updated exec `+script+` {event.song} "{event.reason}x $(id)"
	mount /live.mp3 {
		on_connect    `+script+`
		on_disconnect `+script+`
	}
}`)
	src := s.Source("/live.mp3")
	src.Send(10)
	harness.Eventually(t, "the first has run", func() error { return contains(out, "source_connected") })
	s.SetTitle("/live.mp3", "`id` \"; $(id)\x00\r\n&& x")
	harness.Eventually(t, "the second has run", func() error { return contains(out, "metadata_updated") })
	src.Finish()
	harness.Eventually(t, "the third has run", func() error { return contains(out, "source_disconnected") })
	want := "1|/live.mp3||source_connected|/live.mp3|\n" +
		"2|`id` \"; $(id)  && x|x $(id)|metadata_updated|/live.mp3|\n" +
		"1|/live.mp3||source_disconnected|/live.mp3|finished\n"
	if got := harness.ReadFile(t, out); got != want {
		t.Errorf("they were run with\n%s\nwant\n%s", got, want)
	}
}

func contains(path, text string) error {
	got, err := harness.TryReadFile(path)
	if err == nil && !strings.Contains(got, text) {
		err = fmt.Errorf("there is only %q", got)
	}
	return err
}
