package streaming

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/leaks"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/format"
)

// patience is how long a test waits for something that takes no time.
const patience = 10 * time.Second

// TestMain fails the package if anything of it still runs after its tests: each
// of them closes its station, and a closed station leaves no goroutine.
func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "caddycast/streaming")) }

// newTestStation returns a station that is closed when the test ends, and a
// channel of the listeners that have ended.
func newTestStation(t testing.TB, settings Settings) (*Station, <-chan *Listener) {
	t.Helper()
	ended := make(chan *Listener, 10000)
	st := NewStation(func(l *Listener) { ended <- l }, func(FeedChange) {})
	st.Apply(&settings)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := st.Close(ctx); err != nil {
			t.Errorf("closing the station: %v", err)
		}
	})
	return st, ended
}

// goLive makes a mount that has no source look as if it had one.
func (m *Mount) goLive(contentType string) {
	m.station.mu.Lock()
	defer m.station.mu.Unlock()
	m.source, m.stream, m.announced = new(Source), &Stream{Type: contentType, promise: promise{kind: format.Kind(contentType, nil)}}, true
	m.station.mounts[m.Path] = m
}

// mountSettings returns settings in which all mounts are alike.
func mountSettings(m MountSettings) Settings {
	return Settings{Mount: func(string) MountSettings { return m }}
}

// encoder is a source of numbered frames in a test.
type encoder struct {
	*Source
	t    testing.TB
	pipe *io.PipeWriter
	next uint64
	done chan Reason
}

// connect makes a source on a mount. Its fields can be set by options.
func connect(t testing.TB, st *Station, path, contentType string, options ...func(*Source)) *encoder {
	t.Helper()
	r, w := io.Pipe()
	e := &encoder{Source: new(Source), t: t, pipe: w, done: make(chan Reason, 1)}
	for _, o := range options {
		o(e.Source)
	}
	if err := st.NewSource(path, e.Source, Info{ContentType: contentType}, func() { r.CloseWithError(errors.New("stopped")) }); err != nil {
		t.Fatalf("connecting a source to %s: %v", path, err)
	}
	go func() {
		reason := e.Run(r)
		e.End()
		e.done <- reason
	}()
	t.Cleanup(func() { _ = w.Close() })
	return e
}

// send sends that many frames.
func (e *encoder) send(frames int) {
	e.t.Helper()
	var buf []byte
	for range frames {
		buf = numbered.AppendFrame(buf[:0], e.next, time.Now())
		e.next++
		e.write(buf)
	}
}

func (e *encoder) write(p []byte) {
	e.t.Helper()
	if _, err := e.pipe.Write(p); err != nil {
		e.t.Fatalf("sending: %v", err)
	}
}

// settle returns when the mount has all that was sent: a pipe takes an empty write when its
// reader, which has dealt with what it read before, reads again.
func (e *encoder) settle() {
	e.t.Helper()
	e.write(nil)
}

// end ends the source as an encoder does that has sent all.
func (e *encoder) end() Reason {
	e.t.Helper()
	_ = e.pipe.Close()
	return e.reasonOf()
}

func (e *encoder) reasonOf() Reason {
	e.t.Helper()
	select {
	case r := <-e.done:
		return r
	case <-time.After(patience):
		e.t.Fatal("the source did not end")
		return Running
	}
}

// player is the far end of a listener's connection.
type player struct {
	net.Conn
	*Listener
	t testing.TB
}

// join makes a listener of a mount, over the plain path or with a goroutine.
func join(t testing.TB, st *Station, path string, plain bool, client Client) *player {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m := st.Await(ctx, path)
	if m == nil {
		t.Fatalf("there is no mount %s", path)
	}
	l, err := m.Admit(client)
	if err != nil {
		t.Fatalf("joining %s: %v", path, err)
	}
	ours, theirs := tcpPair(t)
	if plain {
		l.Attach(ours, []byte("head\n"))
	} else {
		l.Go(NetConn(ours), []byte("head\n"))
	}
	return &player{Conn: theirs, Listener: l, t: t}
}

func tcpPair(t testing.TB) (ours, theirs *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	far, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	return near.(*net.TCPConn), far.(*net.TCPConn)
}

// read reads exactly n bytes.
func (p *player) read(n int) []byte {
	p.t.Helper()
	buf := make([]byte, n)
	_ = p.SetReadDeadline(time.Now().Add(patience))
	if got, err := io.ReadFull(p.Conn, buf); err != nil {
		p.t.Fatalf("reading %d bytes: got %d and %v", n, got, err)
	}
	return buf
}

// readHead reads the head that join had written first.
func (p *player) readHead() {
	p.t.Helper()
	if got := string(p.read(5)); got != "head\n" {
		p.t.Fatalf("the stream begins with %q", got)
	}
}

// readUntil reads until a text came.
func (p *player) readUntil(text []byte) {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(patience))
	var heard []byte
	for buf := make([]byte, 4<<10); !bytes.Contains(heard, text); {
		n, err := p.Read(buf)
		if heard = append(heard, buf[:n]...); err != nil {
			p.t.Fatalf("%q did not come in %d bytes: %v", text, len(heard), err)
		}
	}
}

// readAll reads to the end of the connection.
func (p *player) readAll() []byte {
	p.t.Helper()
	return <-p.readAside()
}

// readAside reads to the end of the connection while the test goes on.
func (p *player) readAside() <-chan []byte {
	stream := make(chan []byte, 1)
	_ = p.SetReadDeadline(time.Now().Add(patience))
	go func() {
		all, err := io.ReadAll(p.Conn)
		if err != nil {
			p.t.Errorf("reading to the end: %v", err)
		}
		stream <- all
	}()
	return stream
}

// check runs bytes through a checker.
func check(t testing.TB, stream []byte) numbered.Checker {
	t.Helper()
	var c numbered.Checker
	if _, err := c.Write(stream); err != nil {
		t.Fatal(err)
	}
	return c
}

// nextEnded returns the next listener that ends.
func nextEnded(t testing.TB, ended <-chan *Listener) *Listener {
	t.Helper()
	select {
	case l := <-ended:
		return l
	case <-time.After(patience):
		t.Fatal("no listener ended")
		return nil
	}
}
