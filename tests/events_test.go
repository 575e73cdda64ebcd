package tests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/internal/numbered"
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
	e := newEndpoint(t, nil)
	s := start(t, allEvents(e.URL, `mount /live.mp3 {
		fallback      /backup.mp3
		max_listeners 1
	}`))
	backup := s.source("/backup.mp3")
	backup.send(100)
	e.events(1)
	live := s.source("/live.mp3")
	live.send(100)
	s.feeds("/live.mp3", "/live.mp3") // or who comes hears the fallback for a moment
	s.open("/live.mp3", http1, false, func(body io.Reader) { _, _ = io.Copy(io.Discard, body) })
	e.events(3)
	resp, err := http.Get("http://" + s.plain + "/live.mp3")
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode != http.StatusForbidden {
		t.Fatalf("the second listener is answered %s", resp.Status)
	}
	e.events(4)
	s.retitle("/live.mp3", "A - B\r\nX: y")
	s.retitle("/live.mp3", "A - B\r\nX: y")
	e.events(5)
	live.finish()
	e.events(7)
	live = s.source("/live.mp3")
	live.send(100)
	e.events(9)
	backup.finish()
	e.events(10)
	live.finish()
	events := e.events(12)

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
	e := newEndpoint(t, nil)
	s := start(t, allEvents(e.URL))
	for _, credentials := range []string{"", basic("source", "wrong"), basic("nobody", "hackme")} {
		for _, method := range []string{"SOURCE", "PUT", "OPTIONS"} {
			conn := s.dial(false)
			resp, _ := head(t, conn, method+" /m HTTP/1.1\r\nHost: x\r\n"+credentials+"Content-Type: audio/mpeg\r\n\r\n")
			if method != "OPTIONS" && resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s is answered %s", method, resp.Status)
			}
			_ = conn.Close()
		}
	}
	resp, err := http.Get("http://" + s.plain + "/m") // no mount
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	s.source("/last").finish()
	if events := e.events(2); len(events) != 2 || events[0]["mount"] != "/last" {
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
	s := start(t, station+`
	events {
		on icecast.source_connected   catcher
		on icecast.source_disconnected catcher
	}`)
	for range 3 {
		src := s.source("/m")
		src.send(50)
		l := s.listen("/m", http1, false)
		src.send(50)
		src.finish()
		l.toTheEnd()
		s.gone("/m")
	}
	release()
	want := strings.Repeat(" icecast.source_connected /m icecast.source_disconnected /m", 3)[1:]
	eventually(t, "all is told", func() error {
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
	s := start(t, station+`
	events {
		on icecast.source_connected catcher
	}`)
	src := s.source("/m")
	eventually(t, "the handler is called", func() error {
		caught.mu.Lock()
		defer caught.mu.Unlock()
		if len(caught.names) == 0 {
			return errors.New("it is not")
		}
		return nil
	})
	if err := s.reload(station); err != nil {
		t.Fatal(err)
	}
	src.send(10)
	src.finish()
	stopCaddy(t)
}

func TestTitlesComeOnceAndInOrderAcrossReloadsAndFailures(t *testing.T) {
	const titles = 60
	var calls atomic.Int64
	e := newEndpoint(t, func(w http.ResponseWriter, _ post) bool {
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
	on metadata_updated webhook %s {
		secret shared
		header X-Generation %d
	}
}`, n, e.URL, n)
	}
	s := start(t, settings(-1))
	src := s.source("/m")
	for i := range titles {
		s.retitle("/m", fmt.Sprint(i))
		if i%10 == 0 {
			if err := s.reload(settings(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, event := range e.events(titles) {
		if event["song"] != fmt.Sprint(i) {
			t.Fatalf("title %v came where %d was due", event["song"], i)
		}
	}
	all := e.all()
	if last := all[len(all)-1]; len(all) != titles || last.header.Get("X-Generation") != "50" ||
		last.header.Get("X-Icecast-Signature") != hooks.Sign([]byte("shared"), []byte(last.body)) {
		t.Errorf("%d came, the last with %v", len(all), last.header)
	}
	src.finish()
}

// TestStreamsDoNotWaitForHooks has every hook of a station hang, while sources and
// listeners come and go.
func TestStreamsDoNotWaitForHooks(t *testing.T) {
	hang := make(chan struct{})
	e := newEndpoint(t, func(w http.ResponseWriter, p post) bool {
		if p.path != "/add" {
			<-hang
		}
		return yes(w, p)
	})
	caught.names, caught.block = nil, hang
	s := start(t, `icecast {
	source_password hackme
	admin_password  letmein
	on source_connected source_disconnected listener_added listener_removed metadata_updated webhook `+e.URL+`/hook
	on source_connected listener_added metadata_updated exec sleep 2
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
	sources := map[string]*transmitter{"/free.mp3": nil, "/asked.mp3": nil}
	for path := range sources {
		sources[path] = s.source(path)
		done = append(done, sources[path].run(numbered.Duration, stop))
		s.listening(path)
	}
	l, w := s.listen("/asked.mp3", http1, false), s.witness("/free.mp3", http1, false)
	for i := range 100 {
		for _, path := range []string{"/free.mp3", "/asked.mp3"} {
			resp := s.get(path, "bob", "x")
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("a listener is answered %s", resp.Status)
			}
			_ = resp.Body.Close()
		}
		s.retitle("/free.mp3", fmt.Sprint("title ", i))
	}
	close(stop)
	for _, d := range done {
		<-d
	}
	if pause := time.Duration(w.longest.Load()); pause > time.Second { // programs take two
		t.Errorf("there was a pause of %v in delivery", pause)
	}
	for path, src := range sources {
		src.finish()
		if path == "/asked.mp3" && l.toTheEnd().Last != src.next.Load()-1 {
			t.Error("a listener has not heard all")
		}
	}
	close(hang)
	eventually(t, "all is told at last", func() error {
		for path, want := range map[string]int{"/hook": 2*2 + 2*202 + 100, "/remove": 101, "/up": 1} {
			n := 0
			for _, p := range e.all() {
				if p.path == path {
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
	write(t, script, "#!/bin/sh\necho \"$#|$1|$2|$ICECAST_EVENT|$ICECAST_MOUNT|$ICECAST_REASON\" >> "+out+"\n")
	makeExecutable(t, script)
	s := start(t, `icecast {
	source_password hackme
	admin_password letmein
	on metadata_updated exec `+script+` {event.song} "{event.reason}x $(id)"
	mount /live.mp3 {
		on_connect    `+script+`
		on_disconnect `+script+`
	}
}`)
	src := s.source("/live.mp3")
	src.send(10)
	eventually(t, "the first has run", func() error { return contains(out, "source_connected") })
	s.retitle("/live.mp3", "`id` \"; $(id)\x00\r\n&& x")
	eventually(t, "the second has run", func() error { return contains(out, "metadata_updated") })
	src.finish()
	eventually(t, "the third has run", func() error { return contains(out, "source_disconnected") })
	want := "1|/live.mp3||source_connected|/live.mp3|\n" +
		"2|`id` \"; $(id)  && x|x $(id)|metadata_updated|/live.mp3|\n" +
		"1|/live.mp3||source_disconnected|/live.mp3|finished\n"
	if got := read(t, out); got != want {
		t.Errorf("they were run with\n%s\nwant\n%s", got, want)
	}
}

func contains(path, text string) error {
	got, err := readFile(path)
	if err == nil && !strings.Contains(got, text) {
		err = fmt.Errorf("there is only %q", got)
	}
	return err
}
