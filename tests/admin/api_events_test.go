package admin

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// eventStream is what comes from the admin endpoint until it ends.
type eventStream struct {
	lines chan map[string]any
	ended chan error
	stop  func() error
}

// followEvents follows the events.
func followEvents(s *harness.Server, query string) *eventStream {
	s.T.Helper()
	resp, err := http.Get("http://" + s.AdminAddress + "/icecast/events" + query)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = resp.Body.Close() })
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || ct != "application/x-ndjson" {
		s.T.Fatalf("events are answered %s, %s", resp.Status, ct)
	}
	h := &eventStream{lines: make(chan map[string]any, 10_000), ended: make(chan error, 1), stop: resp.Body.Close}
	go func() {
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			var e map[string]any
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				s.T.Errorf("%v in %s", err, lines.Bytes())
			}
			h.lines <- e
		}
		h.ended <- lines.Err()
	}()
	return h
}

// next returns the next event.
func (h *eventStream) next(t testing.TB) map[string]any {
	t.Helper()
	select {
	case e := <-h.lines:
		return e
	case <-time.After(harness.Patience):
		t.Fatal("no event came")
		return nil
	}
}

// over waits until the answer ends.
func (h *eventStream) over(t testing.TB) {
	t.Helper()
	select {
	case <-h.ended:
	case <-time.After(harness.Patience):
		t.Fatal("it goes on")
	}
}

func TestEventsAreFollowedOverTheAdminEndpoint(t *testing.T) {
	s := harness.Start(t, harness.Station)
	all, titles, other := followEvents(s, ""), followEvents(s, "?event=metadata_updated&event=source_disconnected&mount=/live.mp3"), followEvents(s, "?mount=/other.mp3")
	live := s.Source("/live.mp3")
	live.Send(20)
	s.SetTitle("/live.mp3", "A - B")
	live.Finish()
	var got []string
	for range 3 {
		e := all.next(t)
		got = append(got, fmt.Sprint(e["event"], " ", e["station"], e["mount"]))
	}
	if want := "source_connected default/live.mp3, metadata_updated default/live.mp3, source_disconnected default/live.mp3"; strings.Join(got, ", ") != want {
		t.Errorf("told was %v; want %s", got, want)
	}
	if e := titles.next(t); e["event"] != "metadata_updated" || e["song"] != "A - B" {
		t.Errorf("told was %v", e)
	}
	if e := titles.next(t); e["event"] != "source_disconnected" {
		t.Errorf("told was %v", e)
	}
	if len(other.lines) > 0 {
		t.Errorf("of another mount it was told %v", <-other.lines)
	}
	for _, h := range []*eventStream{all, titles, other} {
		_ = h.stop()
		h.over(t)
	}
}

// A subscriber that does not read misses events, and gets their number. Nothing waits for it.
func TestWhoFollowsAndDoesNotReadKeepsNobodyWaiting(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	conn, err := net.Dial("tcp", s.AdminAddress)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(256 << 10)
	resp, body := harness.SendHead(t, conn, "GET /icecast/events HTTP/1.0\r\nHost: "+s.AdminAddress+"\r\n\r\n")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("events are answered %s", resp.Status)
	}
	quick := followEvents(s, "?event=source_disconnected")
	const sources = 800
	began := time.Now()
	comeAndGo(t, s, sources)
	told := make(map[any]bool)
	for len(told) < sources {
		e := quick.next(t)
		if told[e["mount"]] || e["event"] != "source_disconnected" {
			t.Fatalf("after %d sources it was told %v", len(told), e)
		}
		told[e["mount"]] = true
	}
	// A subscriber that does not read for half a minute is cut off, in the middle of a line. A busy machine
	// takes longer than that for the sources, and so may see this in place of the count.
	mayBeCutOff := time.Since(began) > 30*time.Second
	_ = conn.SetReadDeadline(time.Now().Add(harness.Patience))
	for lines := bufio.NewScanner(body); ; {
		if more := lines.Scan(); (!more || !json.Valid(lines.Bytes())) && mayBeCutOff {
			t.Log("it was cut off")
			break
		} else if !more {
			t.Fatalf("it was not told what it missed: %v", lines.Err())
		}
		var e struct {
			Event, Station string
			Count          int
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if e.Event == "missed" {
			if e.Count < 1 || e.Count > 2*sources+1 || e.Station != "default" {
				t.Errorf("told was %s", lines.Bytes())
			}
			break
		}
	}
	_ = quick.stop()
}

// comeAndGo has so many sources with long descriptions come and go, several at a time: a subscriber
// that does not read is cut off when it has not read for half a minute, which a busy machine may need
// for one at a time.
func comeAndGo(t *testing.T, s *harness.Server, n int) {
	t.Helper()
	const workers = 8
	var head strings.Builder
	for _, field := range []string{"Name", "Description", "Genre", "Url"} {
		fmt.Fprintf(&head, "Ice-%s: %s\r\n", field, strings.Repeat("x", 900))
	}
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := worker; i < n; i += workers {
				if err := sourceThatGoes(s, fmt.Sprintf("/%d.mp3", i), head.String()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// sourceThatGoes connects a source with more fields in its head, and ends it.
func sourceThatGoes(s *harness.Server, path, fields string) error {
	conn, err := net.Dial("tcp", s.Plain)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(harness.Patience))
	head := "SOURCE " + path + " HTTP/1.0\r\n" + harness.BasicAuth("source", "hackme") + "Content-Type: audio/mpeg\r\n" + fields + "\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the source of %s is answered %s", path, resp.Status)
	}
	return err
}

// A reload ends the answer, so that it keeps neither the endpoint nor the process from
// ending. Who asks again for what was since then misses nothing.
func TestWhoFollowsGoesOnAfterAReload(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.Source("/live.mp3")
	defer live.Finish()
	live.Send(20)
	before := time.Now().Add(-time.Millisecond).UTC().Format(time.RFC3339Nano)
	for i, load := range []func() error{
		func() error { return s.Reload(harness.Station, "# changed") },
		func() error {
			return rejected(s)
		},
		func() error { return s.Reload(harness.Station) },
	} {
		first := followEvents(s, "?event=metadata_updated") // the source may have come a moment ago
		title := fmt.Sprint("First - ", i)
		s.SetTitle("/live.mp3", title)
		if e := first.next(t); e["song"] != title {
			t.Errorf("told was %v", e)
		}
		if err := load(); err != nil {
			t.Fatal(err)
		}
		first.over(t)
		s.SetTitle("/live.mp3", fmt.Sprint("Between - ", i))
		second := followEvents(s, "?event=metadata_updated&since="+before)
		for e := second.next(t); e["song"] != fmt.Sprint("Between - ", i); e = second.next(t) {
			if e["event"] != "metadata_updated" {
				t.Errorf("told was %v", e)
			}
		}
		_ = second.stop()
		_ = first.stop()
	}
	followEvents(s, "")
	began := time.Now()
	harness.StopCaddy(t)
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("to end took %v while somebody follows", took)
	}
}
