package command

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/caddymodule/adminapi"
	"github.com/caddycast/caddycast/caddymodule/state"
)

func TestTablesShowNothingRaw(t *testing.T) {
	s := newTable()
	s.mounts([]adminapi.MountReport{{
		Station: "default", Mount: "/a\x1b[2Jb\tc", State: state.FeedFallback, Feed: "/files/x\ny", Listeners: 3, AtSlaves: 4, MaxListeners: 5, Song: "\u202eevil\r\n",
		Source: &adminapi.SourceReport{IP: "192.0.2.1", Bitrate: 127_800, Since: s.now.Add(-time.Minute)},
	}})
	s.masters([]adminapi.MasterReport{{Station: "edge", URL: "http://m", State: "refuses", Since: s.now.Add(-time.Hour), Refusals: 2, Cause: "no\x1b[2J\n"}})
	s.listeners([]adminapi.ListenerReport{{Station: "default", ID: 7, Mount: "/m", Protocol: "HTTP/1.1", TLS: true, Slave: true, UserAgent: "a\x00\x1b]0;x\x07", Bytes: 2048}})
	var out bytes.Buffer
	if err := s.print(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 9 {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	for _, want := range []string{"3+4/5", "128 kbit/s", "1m0s", "1h0m0s", "192.0.2.1", "HTTP/1.1+TLS slave", "2.0 KiB"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing in\n%s", want, out.String())
		}
	}
	if strings.ContainsAny(out.String(), "\x1b\x00\x07\r\t") {
		t.Errorf("%q", out.String())
	}
}

func TestEventsAreTakenOnceAndDescribedInALine(t *testing.T) {
	var text, plain bytes.Buffer
	people, programs := newFollowing(&text, false), newFollowing(&plain, true)
	stream := `{"id":"1","event":"metadata_updated","time":"2024-01-02T03:04:05.678Z","node":"n","station":"s","mount":"/m","artist":"","song":"A \u001b[2J\" B","n":3}
no json
{"id":"1","event":"metadata_updated","time":"2024-01-02T03:04:05.678Z","station":"s"}
{"event":"missed","time":"2024-01-02T03:04:06Z","station":"s","count":9}
`
	people.read(strings.NewReader(stream))
	programs.read(strings.NewReader(stream))
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC).Local()
	want := at.Format(time.TimeOnly) + `  metadata_updated    s /m  song="A [2J\" B"  n=3` + "\n" +
		at.Add(time.Second).Format(time.TimeOnly) + "  missed              s  count=9\n"
	if text.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", text.String(), want)
	}
	lines := strings.Split(stream, "\n")
	if got := plain.String(); got != lines[0]+"\n"+lines[3]+"\n" {
		t.Errorf("printed\n%s", got)
	}
	if !people.last.Equal(time.Date(2024, 1, 2, 3, 4, 6, 0, time.UTC)) {
		t.Errorf("the last was at %v", people.last)
	}
}

func FuzzEventLine(f *testing.F) {
	f.Add([]byte(`{"id":"1","event":"x","time":"2024-01-02T03:04:05.678Z","station":"s","a":1.5,"b":true,"c":null}`))
	f.Add([]byte(`{"id":["1"]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var out bytes.Buffer
		newFollowing(&out, false).line(line)
		if got := out.String(); strings.Count(got, "\n") > 1 || strings.Contains(got, "\x1b") {
			t.Errorf("%q", got)
		}
	})
}

func TestAScreenIsFilledAndNotMore(t *testing.T) {
	text := "MOUNT     LISTENERS\n/live.mp3  1\n/zwei.mp3  2\n/drei.mp3  3\n"
	for _, c := range []struct {
		width, height int
		want          string
	}{
		{80, 24, text},
		{11, 24, "MOUNT     …\n/live.mp3 …\n/zwei.mp3 …\n/drei.mp3 …\n"},
		{80, 4, "MOUNT     LISTENERS\n/live.mp3  1\n… 2 lines more\n"},
		{0, 0, text},
	} {
		if got := fit(text, c.width, c.height); got != c.want {
			t.Errorf("%d x %d: %q; want %q", c.width, c.height, got, c.want)
		}
	}
}
