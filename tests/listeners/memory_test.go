package listeners

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// usage is what a process has in use, after a garbage collection.
type usage struct {
	bytes      int // heap and stacks
	goroutines int
}

// usageOf asks the process, by the admin API.
func usageOf(s *harness.Server) (u usage) {
	s.T.Helper()
	get := func(path string) []byte {
		resp, err := http.Get("http://" + s.AdminAddress + path)
		if err != nil {
			s.T.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			s.T.Fatal(err)
		}
		return body
	}
	get("/debug/pprof/heap?gc=1")
	get("/debug/pprof/heap?gc=1")
	var vars struct {
		Memstats struct{ HeapAlloc, StackInuse int }
	}
	if err := json.Unmarshal(get("/debug/vars"), &vars); err != nil {
		s.T.Fatal(err)
	}
	u.bytes = vars.Memstats.HeapAlloc + vars.Memstats.StackInuse
	total := regexp.MustCompile(`total (\d+)`).FindSubmatch(get("/debug/pprof/goroutine?debug=1"))
	u.goroutines, _ = strconv.Atoi(string(total[1]))
	return u
}

// A listener that is only fed is a cursor and a socket.
func TestAParkedListenerCostsNextToNothing(t *testing.T) {
	s, _ := harness.RunExample(t)
	src := s.Source("/live.mp3")
	src.Send(300)
	stop := make(chan struct{})
	done := src.Run(20*time.Millisecond, stop)
	defer func() { close(stop); <-done }()
	for _, c := range []struct {
		name       string
		listeners  int
		dial       func() net.Conn
		goroutines float64 // at most, for each
		bytes      int
	}{
		{"plain", 4000, func() net.Conn { return s.Dial(false) }, 0.02, 2 << 10},
		{"TLS", 1000, func() net.Conn { return s.Dial(true) }, 0.02, 10 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			park := func(listeners int) {
				for range listeners {
					conn := c.dial()
					if _, err := io.WriteString(conn, "GET /live.mp3 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: parked\r\n\r\n"); err != nil {
						t.Fatal(err)
					}
					if _, err := io.ReadFull(conn, make([]byte, 4096)); err != nil {
						t.Fatal(err)
					}
				}
			}
			park(300) // fills what the process keeps for reuse
			before := usageOf(s)
			park(c.listeners)
			var after usage
			harness.Eventually(t, "its handlers have returned", func() error {
				after = usageOf(s)
				if more := float64(after.goroutines - before.goroutines); more > c.goroutines*float64(c.listeners) {
					return fmt.Errorf("%v goroutines more", more)
				}
				return nil
			})
			each := (after.bytes - before.bytes) / c.listeners
			t.Logf("%d bytes and %.3f goroutines for each %s listener", each,
				float64(after.goroutines-before.goroutines)/float64(c.listeners), c.name)
			if each > c.bytes {
				t.Errorf("each has %d bytes, want %d at most", each, c.bytes)
			}
		})
	}
}

// What Caddy puts around a connection must not cost its listener a goroutine.
func TestListenersHaveNoGoroutineHoweverTheirSiteIsServed(t *testing.T) {
	const proxyProtocol = "proxy_protocol {\n allow 127.0.0.0/8\n }\n"
	for _, tt := range []struct {
		name, servers string
		encrypted     bool
	}{
		{"by default", "", false},
		{"HTTP/1 alone", "protocols h1", false},
		{"behind PROXY protocol", "listener_wrappers {\n" + proxyProtocol + "tls\n}", false},
		{"HTTP/1 alone, behind PROXY protocol", "protocols h1\nlistener_wrappers {\n" + proxyProtocol + "tls\n}", false},
		{"over a wire", "listener_wrappers {\n icecast\n tls\n}", false},
		{"over a wire, behind PROXY protocol", "listener_wrappers {\n icecast\n" + proxyProtocol + "tls\n}", false},
		{"TLS over a wire", "listener_wrappers {\n icecast\n tls\n}", true},
		{"TLS over a wire, behind PROXY protocol", "listener_wrappers {\n icecast\n" + proxyProtocol + "tls\n}", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := harness.Start(t, harness.Station+"\nservers {\n"+tt.servers+"\n}")
			src := s.Source("/m")
			src.Send(10)
			l := s.Listen("/m", harness.HTTP1, tt.encrypted)
			src.Send(10)
			buf := make([]byte, 4<<20)
			if stacks := buf[:runtime.Stack(buf, true)]; bytes.Contains(stacks, []byte("(*Listener).feed")) {
				t.Error("it has a goroutine")
			}
			src.Finish()
			if c := l.WaitForEnd(); c.Last != 19 {
				t.Errorf("heard to frame %d", c.Last)
			}
		})
	}
}
