package hls_test

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// inParts are the mounts of the tests whose codecs have parts.
var inParts = []string{"/live.aac", "/live.opus", "/live.flac"}

var (
	partLine = regexp.MustCompile(`#EXT-X-PART:DURATION=([0-9.]+),URI="(\d+)\.(\d+)-[^"]+",INDEPENDENT=YES\n`)
	hintLine = regexp.MustCompile(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="([^"]+)"\n$`)
)

// A list with parts is awaited part by part. The part that is told to come next is answered when it is
// there, and is in the list then.
func TestPartsAreLoadedAsTheyCome(t *testing.T) {
	s := harness.Start(t, station("mount /* {\n\t\thls {\n\t\t\tsegment 4s\n\t\t\tlow_latency\n\t\t}\n\t}"))
	for _, mount := range append(inParts, "/live.mp3") {
		encode(t, s, mount)
	}
	for _, mount := range inParts {
		t.Run(mount, func(t *testing.T) {
			t.Parallel()
			harness.Eventually(t, "the list is there", func() error { return answers(get(t, s, mount+".m3u8"), http.StatusOK) })
			at := enter(t, s, mount)
			body := text(t, get(t, s, at))
			for range 12 {
				hint := hintLine.FindStringSubmatch(body)
				if hint == nil || !strings.Contains(body, "CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3,CAN-SKIP-UNTIL=24\n#EXT-X-PART-INF:PART-TARGET=1\n") {
					t.Fatalf("the list is\n%s", body)
				}
				number, _, _ := strings.Cut(hint[1], "-")
				sequence, part, _ := strings.Cut(number, ".")
				file := text(t, get(t, s, mount+".hls/"+hint[1]))
				body = text(t, get(t, s, at+"&_HLS_msn="+sequence+"&_HLS_part="+part))
				if len(file) == 0 || !strings.Contains(body, `"`+hint[1]+`"`) {
					t.Fatalf("%s has %d bytes, and is not in\n%s", hint[1], len(file), body)
				}
			}
			checkPartsOfList(t, body)
			next := parse(t, body)
			last := next.sequence + len(next.segments) // of the segment that grows
			for query, want := range map[string]string{
				fmt.Sprint("&_HLS_msn=", last+10): "too far ahead", "&_HLS_part=1": "_HLS_part: there is no _HLS_msn", "&_HLS_msn=-1": "not a number",
				fmt.Sprint("&_HLS_msn=", last, "&_HLS_part=x"): "not a number", fmt.Sprint("&_HLS_msn=", last, "&_HLS_part=60"): "too far ahead",
			} {
				resp := get(t, s, at+query)
				if resp.StatusCode != http.StatusBadRequest {
					t.Errorf("%s: %s, want %s", query, resp.Status, want)
				}
			}
			if delta := text(t, get(t, s, at+"&_HLS_skip=YES")); len(next.segments) > 7 && !strings.Contains(delta, "EXT-X-SKIP") {
				t.Errorf("a delta of %d segments is\n%s", len(next.segments), delta)
			}
			said, err := exec.Command(harness.Program(t, "ffmpeg"), "-v", "error", "-t", "6", "-i", "http://"+s.Plain+mount+".m3u8", "-f", "null", "-").CombinedOutput()
			if text := withoutStamps(string(said)); err != nil || text != "" {
				t.Errorf("ffmpeg: %v\n%s", err, text)
			}
		})
	}
	t.Run("MP3 has none", func(t *testing.T) {
		t.Parallel()
		harness.Eventually(t, "the list is there", func() error { return answers(get(t, s, "/live.mp3.m3u8"), http.StatusOK) })
		if body := text(t, get(t, s, enter(t, s, "/live.mp3"))); strings.Contains(body, "PART") {
			t.Errorf("the list is\n%s", body)
		}
	})
}

// checkPartsOfList checks that no part is too long, that they follow each other, and that those of a
// segment are as long as it is.
func checkPartsOfList(t *testing.T, body string) {
	t.Helper()
	l := parse(t, body)
	length := make(map[int]float64)
	parts := partLine.FindAllStringSubmatch(body, -1)
	if len(parts) < 8 {
		t.Errorf("%d parts in\n%s", len(parts), body)
	}
	next := ""
	for _, p := range parts {
		seconds, _ := strconv.ParseFloat(p[1], 64)
		sequence, _ := strconv.Atoi(p[2])
		part, _ := strconv.Atoi(p[3])
		if at := p[2] + "." + p[3]; seconds > 1 || part != 0 && at != next {
			t.Errorf("part %s lasts %g s, and follows %s", at, seconds, next)
		}
		next = fmt.Sprint(p[2], ".", part+1)
		length[sequence] += seconds
	}
	for i, segment := range l.segments {
		if sum, listed := length[l.sequence+i]; listed && (sum-segment.seconds > 0.001 || segment.seconds-sum > 0.001) {
			t.Errorf("%s lasts %g s, its parts %g s", segment.name, segment.seconds, sum)
		}
	}
}

// 200 players that wait for a list and for a part, and hang up, leave nothing behind.
func TestPlayersThatHangUpWhileTheyWaitLeaveNothing(t *testing.T) {
	s := harness.Start(t, station("mount /live.aac {\n\t\tlinger 5m\n\t\thls {\n\t\t\tsegment 2s\n\t\t\tlow_latency\n\t\t}\n\t}"))
	end := encode(t, s, "/live.aac")
	harness.Eventually(t, "the list is there", func() error { return answers(get(t, s, "/live.aac.m3u8"), http.StatusOK) })
	at := enter(t, s, "/live.aac")
	end() // so that nothing comes
	var hint []string
	last := ""
	harness.Eventually(t, "the list stands still", func() error {
		body := text(t, get(t, s, at))
		defer func() { last = body }()
		if hint = hintLine.FindStringSubmatch(body); hint == nil || body != last {
			return fmt.Errorf("it is\n%s", body)
		}
		return nil
	})
	sequence, _, _ := strings.Cut(hint[1], ".")
	transport.CloseIdleConnections()
	before := runtime.NumGoroutine()
	var conns []net.Conn
	for i := range 200 {
		conn, err := net.Dial("tcp", s.Plain)
		if err != nil {
			t.Fatal(err)
		}
		path := []string{at + "&_HLS_msn=" + sequence, "/live.aac.hls/" + hint[1]}[i%2]
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		conns = append(conns, conn)
	}
	harness.Eventually(t, "all wait", func() error {
		if n := runtime.NumGoroutine(); n < before+200 {
			return fmt.Errorf("%d goroutines, %d before", n, before)
		}
		return nil
	})
	for _, conn := range conns {
		conn.Close()
	}
	harness.Eventually(t, "all are gone", func() error {
		if n := runtime.NumGoroutine(); n > before+10 {
			return fmt.Errorf("%d goroutines, %d before", n, before)
		}
		return nil
	})
}

// hls.js is nearer to the source than two segments, which it can be by parts only, and never stalls
// once it plays.
func TestHLSJSPlaysWithLowLatency(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, station("mount /* {\n\t\thls {\n\t\t\tsegment 4s\n\t\t\tlow_latency 1s\n\t\t}\n\t}"))
	var urls []string
	for _, mount := range inParts {
		encode(t, s, mount)
		urls = append(urls, "http://"+s.Plain+mount+".m3u8")
	}
	for _, mount := range inParts {
		harness.Eventually(t, mount+" is there", func() error { return answers(get(t, s, mount+".m3u8"), http.StatusOK) })
	}
	reports := openPlayers(t, urls)
	played, behind := make(map[string]float64), make(map[string][]float64)
	harness.Eventually(t, "all have played for half a minute", func() error {
		for {
			select {
			case r := <-reports:
				number, _ := strconv.ParseFloat(r.Text, 64)
				switch r.Kind {
				case "error", "stall":
					t.Errorf("%s: %s %s, after %g s", r.URL, r.Kind, r.Text, played[r.URL])
				case "played":
					played[r.URL] = max(played[r.URL], number)
				case "latency":
					behind[r.URL] = append(behind[r.URL], number)
				}
				continue
			default:
			}
			break
		}
		for _, url := range urls {
			if len(behind[url]) < 60 {
				return fmt.Errorf("%s has played for %g s", url, played[url])
			}
		}
		return nil
	})
	for _, url := range urls {
		all := behind[url][20:]
		slices.Sort(all)
		t.Logf("%s: %g to %g s behind, mostly %g s", url, all[0], all[len(all)-1], all[len(all)/2])
		const twoSegments = 8
		if all[len(all)/2] > twoSegments {
			t.Errorf("%s is %g s behind", url, all[len(all)/2])
		}
	}
}
