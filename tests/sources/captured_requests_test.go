package sources

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// captured is what a program sent, head after head.
type captured struct {
	program string
	heads   []capturedHead
}

type capturedHead struct {
	conn string // heads of the same one follow each other
	text string
}

// readCaptured reads testdata/heads.txt.
func readCaptured(t testing.TB) (all []captured) {
	t.Helper()
	text, err := os.ReadFile("testdata/heads.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), "\t", 3)
		if len(fields) != 3 || strings.HasPrefix(line, "#") {
			continue
		}
		head, err := strconv.Unquote(fields[2])
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if len(all) == 0 || all[len(all)-1].program != fields[0] {
			all = append(all, captured{program: fields[0]})
		}
		c := &all[len(all)-1]
		c.heads = append(c.heads, capturedHead{fields[1], head})
	}
	if len(all) < 20 {
		t.Fatalf("only %d programs were read", len(all))
	}
	return all
}

// Whatever a program has been seen to send is answered as it wishes, with the
// listener wrapper and without, in one piece and a byte at a time; a source is
// then heard.
func TestWhatProgramsSendIsUnderstood(t *testing.T) {
	for _, port := range []struct{ name, wrapper string }{{"wrapped", wrapped}, {"bare", ""}} {
		t.Run(port.name, func(t *testing.T) { replayAll(t, port.wrapper) })
	}
}

func replayAll(t *testing.T, wrapper string) {
	s, _ := startFor(t, wrapper, harness.Station)
	s.Source("/a.mp3").Send(40) // for the players
	for _, c := range readCaptured(t) {
		switch {
		case wrapper == "" && (c.program == "liquidsoap_shoutcast" || c.program == "liquidsoap_put"):
			continue // these need it
		case strings.HasPrefix(c.program, "ffmpeg"):
			for i := range c.heads { // whose mount is that of the players
				c.heads[i].text = strings.Replace(c.heads[i].text, " /a.", " /ffmpeg.", 1)
			}
		}
		for _, cut := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/cut=%v", c.program, cut), func(t *testing.T) {
				(&replay{t: t, s: s.For(t), cut: cut, conns: map[string]net.Conn{}, answers: map[string]*bufio.Reader{}}).run(c)
			})
		}
	}
}

// replay sends what a program has sent.
type replay struct {
	t       *testing.T
	s       *harness.Server
	cut     bool // a byte at a time
	conns   map[string]net.Conn
	answers map[string]*bufio.Reader
}

func (r *replay) run(c captured) {
	var mount string
	for _, h := range c.heads {
		conn := r.conns[h.conn]
		if conn == nil {
			conn = r.s.Dial(false)
			r.conns[h.conn], r.answers[h.conn] = conn, bufio.NewReader(conn)
		}
		if line, rest, _ := strings.Cut(h.text, "\r\n"); !strings.Contains(line, " ") { // a password
			r.send(conn, line+"\r\n")
			harness.Expect(r.t, r.answers[h.conn], "OK2\r\nicy-caps:11\r\n\r\n")
			r.send(conn, rest)
			mount = "/m"
			r.sound(conn, false)
			r.s.WaitForMount(mount)
			continue
		}
		r.send(conn, h.text)
		path, accepted := r.answered(h)
		if accepted {
			mount = path
			r.sound(conn, strings.Contains(h.text, "chunked"))
		}
	}
	if mount == "" {
		if !strings.HasPrefix(c.program, "l_") {
			r.t.Error("it was no source")
		}
		return
	}
	l := r.s.Listen(mount, harness.HTTP1, false)
	for _, conn := range r.conns {
		_ = conn.Close()
	}
	if checker := l.WaitForEnd(); checker.Last != 19 {
		r.t.Errorf("heard %d to %d", checker.First, checker.Last)
	}
	r.s.WaitUntilGone(mount)
}

func (r *replay) send(conn net.Conn, text string) {
	r.t.Helper()
	for len(text) > 0 {
		n := len(text)
		if r.cut {
			n = 1
		}
		if _, err := io.WriteString(conn, text[:n]); err != nil {
			r.t.Fatal(err)
		}
		text = text[n:]
	}
}

// sound sends twenty frames.
func (r *replay) sound(conn net.Conn, chunked bool) {
	r.t.Helper()
	var all []byte
	for n := range uint64(20) {
		all = numbered.AppendFrame(all, n, time.Now())
	}
	if chunked {
		all = fmt.Appendf(nil, "%x\r\n%s\r\n", len(all), all)
	}
	if _, err := conn.Write(all); err != nil {
		r.t.Fatal(err)
	}
}

// answered checks the answer to a head, and reports whether a source was connected.
func (r *replay) answered(h capturedHead) (path string, accepted bool) {
	r.t.Helper()
	method, rest, _ := strings.Cut(h.text, " ")
	path, _, _ = strings.Cut(rest, " ")
	authorized := strings.Contains(h.text, "Authorization: ")
	resp, _ := harness.ReadHead(r.t, r.answers[h.conn])
	want := http.StatusOK
	switch {
	case method == http.MethodOptions:
	case method == http.MethodGet && !strings.HasPrefix(path, "/admin/"):
	case !authorized:
		want = http.StatusUnauthorized
	}
	if resp.StatusCode != want {
		r.t.Fatalf("%q is answered %s, want %d", h.text, resp.Status, want)
	}
	if method == http.MethodPut || method == "SOURCE" {
		if !authorized {
			if resp.Close && !strings.Contains(h.text, "Connection: close") {
				r.t.Errorf("after %q the connection is closed, which libshout goes on with", h.text)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
		}
		return path, authorized
	}
	if method != http.MethodGet || strings.HasPrefix(path, "/admin/") {
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	return "", false
}
