package reload

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddycast/caddycast/caddymodule/adminapi"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// status returns the status and the body of an answer.
func status(t *testing.T, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(body))
}

// drainOf returns the drain of the only station.
func drainOf(t *testing.T, s *harness.Server) adminapi.Drain {
	t.Helper()
	var all []adminapi.Drain
	if _, body := s.API("GET", "drain", ""); json.Unmarshal([]byte(body), &all) != nil || len(all) != 1 {
		t.Fatalf("the drain is %s", body)
	}
	return all[0]
}

// onAir lets a source of /m send at its pace, until the server or end ends it.
func onAir(s *harness.Server) (end func()) {
	src := s.Source("/m")
	src.Send(100)
	src.MayEnd = true
	stop := make(chan struct{})
	done := src.Run(numbered.Duration, stop)
	return func() {
		close(stop)
		<-done
	}
}

// checkEnds checks that listeners have ended after a whole frame each, one after another.
func checkEnds(t *testing.T, listeners []*harness.Listener) {
	t.Helper()
	var ends []uint64
	for _, l := range listeners {
		c := l.WaitForEnd()
		if c.Rest() != 0 || l.Err != nil {
			t.Errorf("by %s: ended with %d bytes of a frame, %v", l.Kind, c.Rest(), l.Err)
		}
		ends = append(ends, c.Last)
	}
	if spread := time.Duration(slices.Max(ends)-slices.Min(ends)) * numbered.Duration; spread < time.Second {
		t.Errorf("the listeners ended within %v of sound; want them spread over 2 s", spread)
	}
}

func TestADrainEndsListenersAtWholeFramesAndTheSourceLast(t *testing.T) {
	s := harness.Start(t, harness.Station)
	ready := "http://" + s.AdminAddress + "/icecast/ready"
	if got, body := status(t, "GET", ready); got != 200 || body != `{"ready":true}` {
		t.Errorf("ready is answered %d %s", got, body)
	}
	defer onAir(s)()
	var listeners []*harness.Listener
	for i := range 60 {
		way := harness.Ways[i%len(harness.Ways)]
		listeners = append(listeners, s.Listen("/m", way.Kind, way.Encrypted))
	}

	if got, body := s.API("POST", "drain", `{"over": "2s"}`); got != 200 {
		t.Fatalf("drain is answered %d %s", got, body)
	}
	if got, body := status(t, "GET", ready); got != 503 || !strings.Contains(body, "station default is drained") {
		t.Errorf("ready is answered %d %s", got, body)
	}
	resp := s.Get("/m", "", "")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a new listener is answered %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	conn := s.Dial(false)
	if resp, _ := harness.SendHead(t, conn, "SOURCE /other HTTP/1.0\r\nContent-Type: audio/mpeg\r\n"+
		harness.BasicAuth("source", "hackme")+"\r\n"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new source is answered %s", resp.Status)
	}
	_ = conn.Close()
	if _, err := s.TryStatus("/m"); err != nil { // the source stays until the listeners are gone
		t.Error(err)
	}
	checkEnds(t, listeners)
	harness.Eventually(t, "the source is gone", func() error {
		if d := drainOf(t, s); !d.Draining || !d.Over || d.AtStart != 60 || d.Ended != 60 || d.Left != 0 || d.Sources != 0 || d.Seconds != 0 {
			return fmt.Errorf("%+v", d)
		}
		return nil
	})
	if err := s.CheckAnswer("GET", "/m", http.StatusServiceUnavailable); err != nil {
		t.Errorf("a listener after the drain: %v", err)
	}
	if err := s.CheckAnswer("GET", "/never", http.StatusNotFound); err != nil {
		t.Errorf("a listener of no mount: %v", err)
	}

	if got, body := s.API("POST", "undrain", `{}`); got != 200 || !strings.Contains(body, `"draining":false`) {
		t.Fatalf("undrain is answered %d %s", got, body)
	}
	if got, body := status(t, "HEAD", ready); got != 200 || body != "" {
		t.Errorf("ready is answered %d %s", got, body)
	}
	again := s.Source("/m")
	again.Send(10)
	heard := s.Listen("/m", harness.HTTP1, false)
	again.Finish()
	heard.WaitForEnd()
}

func TestAnUndrainedStationKeepsWhoIsLeft(t *testing.T) {
	s := harness.Start(t, harness.Station)
	src := s.Source("/m")
	src.Send(100)
	l := s.Listen("/m", harness.HTTP1, false)
	s.API("POST", "drain", `{"over": "1h"}`)
	s.API("POST", "undrain", `{}`)
	src.Send(10)
	src.Finish()
	if c := l.WaitForEnd(); c.Last != 109 {
		t.Errorf("heard to %d", c.Last)
	}
	for over, want := range map[string]string{"ever": "over: invalid duration", "25h": "at most 24h", "-1s": "over: invalid duration"} {
		if got, body := s.API("POST", "drain", fmt.Sprintf(`{"over": %q}`, over)); got != 400 || !strings.Contains(body, want) {
			t.Errorf("over %s is answered %d %s", over, got, body)
		}
	}
}

// An encoder that reconnects finds its listeners, with and without a time in which they wait for it.
func TestASourceComesBackToTheListenersOfADrainedStation(t *testing.T) {
	s := harness.Start(t, "icecast {\n source_password hackme\n mount /m {\n linger 1h\n }\n}")
	src := s.Source("/m")
	src.Send(100)
	l := s.Listen("/m", harness.HTTP1, false)
	s.API("POST", "drain", `{"over": "1h"}`)
	if got, body := status(t, "GET", "http://"+s.AdminAddress+"/icecast/ready?mount=/m"); got != 503 || !strings.Contains(body, `"draining":true`) {
		t.Errorf("the health of the mount is answered %d %s", got, body)
	}
	src.Finish()
	harness.Eventually(t, "the source is gone", func() error {
		if n := drainOf(t, s).Sources; n != 0 {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
	again := s.Source("/m")
	again.Next.Store(100)
	again.Send(10)
	s.API("POST", "drain", `{"over": "0s"}`)
	if c := l.WaitForEnd(); c.Last != 109 || c.Rest() != 0 {
		t.Errorf("heard to %d", c.Last)
	}
}

func TestHealthOfMounts(t *testing.T) {
	s := harness.NewServer(t)
	config := strings.ReplaceAll(s.Caddyfile(`icecast {
	source_password hackme
	mount /m {
		linger 1h
	}
	mount /fallback {
		fallback /m
	}
	mount /standby.mp3 {
		fallback standby
	}
}`), "\n\ticecast\n}", "\n\ticecast {\n\t\thealth\n\t}\n}")
	if err := s.LoadCaddyfile(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { harness.StopCaddy(t) })
	check := func(query string, want int, state string) {
		t.Helper()
		for _, url := range []string{"http://" + s.Plain + "/health", "http://" + s.AdminAddress + "/icecast/ready"} {
			if got, body := status(t, "GET", url+query); got != want || state != "" && !strings.Contains(body, state) {
				t.Errorf("%s%s is answered %d %s; want %d with %s", url, query, got, body, want, state)
			}
		}
	}
	check("", 200, `{"ready":true}`)
	check("?mount=/m", 503, `{"mount":"/m","state":"off"}`)
	check("?mount=/standby.mp3", 200, `{"mount":"/standby.mp3","state":"standby","feed":"standby"}`)
	check("?mount=/standby.mp3&own", 503, "standby")
	src := s.Source("/m")
	src.Send(10)
	check("?mount=/m", 200, `{"mount":"/m","state":"live","feed":"/m"}`)
	check("?mount=/m&own", 200, "live")
	check("?mount=/fallback", 200, `{"mount":"/fallback","state":"fallback","feed":"/m"}`)
	check("?mount=/fallback&own", 503, "fallback")
	check("?mount=nothing", 400, "path does not begin with a slash")
	check("?mount=/m;own", 400, "semicolon")
	src.Finish()
	harness.Eventually(t, "the source is waited for", func() error {
		if got, body := status(t, "GET", "http://"+s.Plain+"/health?mount=/m"); got != 503 || !strings.Contains(body, "waiting") {
			return fmt.Errorf("%d %s", got, body)
		}
		return nil
	})
	if got, body := status(t, "GET", "http://"+s.Plain+"/health/live"); got != 200 || body != `{"live":true}` {
		t.Errorf("live is answered %d %s", got, body)
	}
	if got, _ := status(t, "GET", "http://"+s.AdminAddress+"/icecast/live"); got != 200 {
		t.Errorf("live is answered %d", got)
	}
}

func TestTheCommandLineDrainsAndWaits(t *testing.T) {
	program := binary.Caddy(t)
	s := harness.Start(t, harness.Station)
	src := s.Source("/m")
	src.Send(100)
	l := s.Listen("/m", harness.HTTP1, false)
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience)
	defer cancel()
	command := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(ctx, program, append([]string{"icecast", "--address", s.AdminAddress}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out := command("drain", "--over", "1s", "--wait"); !strings.Contains(out, "] 0 left, 1 ended, 0 s") {
		t.Errorf("drain --wait prints %q", out)
	}
	if c := l.WaitForEnd(); c.Rest() != 0 {
		t.Errorf("the listener ended with %d bytes of a frame", c.Rest())
	}
	if out := command("drain"); !strings.Contains(out, "default: 0 listeners end until ") {
		t.Errorf("drain prints %q", out)
	}
	if out := command("undrain"); out != "default: takes listeners and sources\n" {
		t.Errorf("undrain prints %q", out)
	}
	if out := command("drain", "--json"); !strings.Contains(out, `"draining":true`) {
		t.Errorf("drain --json prints %q", out)
	}
}

// With drain_on_stop, SIGTERM drains before the process ends.
func TestAProcessThatIsAskedToEndDrainsFirst(t *testing.T) {
	s := harness.NewServer(t)
	process, log := harness.RunProcess(t, t.TempDir(), fmt.Sprintf(`{
	admin %s
	icecast {
		source_password hackme
		drain_on_stop 2s
	}
}
http://:%s {
	bind 127.0.0.1
	icecast
}
`, s.AdminAddress, harness.Port(s.Plain)))
	harness.Eventually(t, "the server answers", s.Answers)
	defer onAir(s)()
	var listeners []*harness.Listener
	for range 30 {
		listeners = append(listeners, s.Listen("/m", harness.HTTP1, false))
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	checkEnds(t, listeners)
	if err := harness.WaitForExit(t, process); err != nil {
		t.Errorf("the process ended with %v", err)
	}
	if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), `"msg":"drained"`) {
		t.Errorf("its log has no line of the drain: %v", err)
	}
}
