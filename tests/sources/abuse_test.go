package sources

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// halves are openings that want more to come.
var halves = []string{
	"", "G", "GET /adm", "GET /m HTTP/1.1\r\nHost: x\r\n", "hackm", "hackme\r", "/m:hackme", "SOURCE /m ICE/1.", "SOURCE hackme /m\nx-audiocast-name: x\n",
	"PUT /m HTTP/1.1\r\nHost: \r\n", "hackme\r\nicy-name:x\r\n", "\x16\x03\x01", strings.Repeat("x", 1000), "PUT /m HTTP/1.1\r\nX: " + strings.Repeat("x", 12000),
}

// Those who begin and don't go on, or go on byte by byte, cost a little memory and
// time that is bounded; those who speak are served all the while.
func TestThousandHalfOpenHeads(t *testing.T) {
	s, _ := startFor(t, wrapped+"\n timeouts {\n read_header 4s\n }", harness.Station)
	src := s.Source("/live")
	stop := make(chan struct{})
	src.Send(10)
	done := src.Run(10*time.Millisecond, stop)
	l := follow(s, "/live")

	before := inUse()
	conns := make([]net.Conn, 1000)
	for i := range conns {
		conn, err := net.Dial("tcp", s.Plain)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		if _, err := io.WriteString(conn, halves[i%len(halves)]); err != nil {
			t.Fatal(err)
		}
		conns[i] = conn
	}
	v1(s, s.Plain, "hackme") // comes in between
	s.WaitForMount("/m")
	if each := (inUse() - before) / 1000; each > 64<<10 {
		t.Errorf("each takes %d bytes", each)
	}
	l.hears(l.at.Load() + 50)
	began := time.Now()
	var ends sync.WaitGroup
	for i, conn := range conns {
		ends.Go(func() {
			for { // a byte at a time, as long as it is taken
				if _, err := conn.Write([]byte("x")); err != nil {
					return
				}
				_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // that is how slow it is
				if _, err := io.Copy(io.Discard, conn); !errors.Is(err, os.ErrDeadlineExceeded) {
					return
				}
				if time.Since(began) > time.Minute/2 {
					t.Errorf("%.20q is still there", halves[i%len(halves)])
					return
				}
			}
		})
	}
	ends.Wait()
	close(stop)
	<-done
	src.Finish()
	if c := l.WaitForEnd(); c.Rest() != 0 {
		t.Errorf("%d bytes were left", c.Rest())
	}
}

// inUse returns how much memory this process uses, server and clients.
func inUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse + m.StackInuse)
}

// What never ends and what means nothing is answered or cut off, and the port
// serves on.
func TestEndlessLinesAndJunk(t *testing.T) {
	s, _ := startFor(t, wrapped, harness.Station)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	junk := make([]byte, 1<<20)
	for i := range junk {
		junk[i] = byte(rnd.Uint32())
	}
	long := strings.Repeat("x", 1<<20)
	for _, c := range []struct{ name, bytes string }{
		{"a line", long},
		{"a line with an end", long + "\r\n"},
		{"a password and a line", "hackme\r\n" + long},
		{"a password and lines", "hackme\r\n" + strings.Repeat("icy-name:x\r\n", 1<<16)},
		{"a line of Icecast 1", "SOURCE hackme /" + long + "\n\n"},
		{"a path", "SOURCE /" + long + " ICE/1.0\r\n\r\n"},
		{"a PUT and a line", "PUT /m HTTP/1.1\r\nX: " + long},
		{"a PUT and lines", "PUT /m HTTP/1.1\r\n" + strings.Repeat("X: y\n", 1<<16)},
		{"a title", "GET /admin.cgi?mode=updinfo&pass=hackme&song=" + long},
		{"carriage returns", "hackme" + strings.Repeat("\r", 1<<20)},
		{"line ends", strings.Repeat("\n", 1<<20)},
		{"junk", string(junk)},
		{"junk that begins as TLS", "\x16\x03\x01" + string(junk)},
		{"junk after a password", "hackme\r\n" + string(junk)},
		{"junk after a PUT", "PUT /m HTTP/1.1\r\n" + string(junk)},
		{"junk after a line of Icecast 1", "SOURCE hackme /m\n" + string(junk)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.For(t)
			conn := s.Dial(false)
			go func() { _, _ = io.WriteString(conn, c.bytes) }()
			answer, err := io.ReadAll(conn)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("it was not cut off; %.100q was answered", answer)
			}
			_ = conn.Close()
			s.WaitUntilGone("/m")
			resp, err := http.Get("http://" + s.Plain + "/status-json.xsl")
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%v, %v", resp, err)
			}
			_ = resp.Body.Close()
		})
	}
}
