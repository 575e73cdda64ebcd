package streaming

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

// unixPair is a Pair.
func unixPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	ours := os.NewFile(uintptr(fds[0]), "ours")
	defer ours.Close()
	local, err := net.FileConn(ours)
	return local, os.NewFile(uintptr(fds[1]), "theirs"), err
}

// received is what the other process makes of a descriptor.
func received(t testing.TB, f *os.File) net.Conn {
	t.Helper()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// handOver hands all streams of a station over to another one.
func handOver(t testing.TB, from, to *Station) *Handover {
	t.Helper()
	h, err := from.Hold(unixPair)
	if err != nil {
		t.Fatal(err)
	}
	a := adoptMounts(t, h, to)
	take := func(l HandedListener) {
		if err := a.Listener(l.ListenerState, received(t, l.Remote)); err != nil {
			t.Error(err)
		}
	}
	for _, l := range h.Listeners {
		take(l)
	}
	h.Late = func(l HandedListener) {
		take(l)
		_ = l.Remote.Close()
	}
	h.Commit()
	a.Finish()
	return h
}

// adoptMounts makes another station take the mounts of a handover.
func adoptMounts(t testing.TB, h *Handover, to *Station) *Adoption {
	t.Helper()
	a := to.Adopt(func(*Source) {})
	for _, m := range h.Mounts {
		if err := a.Mount(m.MountState, received(t, m.Remote)); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// listenTLS makes a listener over TLS.
func listenTLS(t testing.TB, st *Station, path string) io.Reader {
	t.Helper()
	near, b, far := tlsPair(t, tls.VersionTLS13, false)
	l, err := st.Mount(path).Admit(Client{Encrypted: true})
	if err != nil {
		t.Fatal(err)
	}
	l.AttachTLS(near, b, nil)
	return far
}

// listenHere makes a listener that is fed plainly or by a goroutine, with the head taken off.
func listenHere(t testing.TB, st *Station, path string, plain bool, c Client) io.Reader {
	t.Helper()
	p := join(t, st, path, plain, c)
	p.readHead()
	_ = p.SetReadDeadline(time.Now().Add(time.Minute))
	return p.Conn
}

// Listeners of every kind hear each frame once while their station moves from one process to the
// next, and the next, and their encoder keeps its connection.
func TestAnotherProcessGoesOnWithAllStreams(t *testing.T) {
	stations := make([]*Station, 4)
	for i := range stations {
		stations[i], _ = newTestStation(t, mountSettings(MountSettings{Takeover: true}))
	}
	e := connect(t, stations[0], "/live.mp3", "audio/mpeg", func(s *Source) { s.User = "dj" })
	e.send(50)
	e.settle()
	stations[0].Mount("/live.mp3").SetMetadata("", "the title", "")

	var hearing sync.WaitGroup
	var mu sync.Mutex
	last := make(map[string]uint64)
	hear := func(name string, r io.Reader) {
		hearing.Go(func() {
			var c numbered.Checker
			_, err := io.Copy(&c, r)
			mu.Lock()
			defer mu.Unlock()
			if last[name] = c.Last; err != nil {
				t.Errorf("%s, after frame %d: %v", name, c.Last, err)
			}
		})
	}
	hear("plain", listenHere(t, stations[0], "/live.mp3", true, Client{}))
	hear("with a goroutine", listenHere(t, stations[0], "/live.mp3", false, Client{}))
	hear("over TLS", listenTLS(t, stations[0], "/live.mp3"))
	titled := listenHere(t, stations[0], "/live.mp3", true, Client{Metadata: true})
	interval := stations[0].Mount("/live.mp3").Interval(Client{Metadata: true})
	var blocks bytes.Buffer
	hear("with metadata", &withoutMetadata{r: titled, interval: interval, left: interval, blocks: &blocks})

	var passing []*Handover
	for i := range len(stations) - 1 {
		e.send(30)
		e.settle()
		passing = append(passing, handOver(t, stations[i], stations[i+1]))
		if n := stations[i+1].Listeners(); n != int64(4+i) {
			t.Errorf("station %d has %d listeners", i+1, n)
		}
		e.send(30)
		hear("that came to the next", listenHere(t, stations[i+1], "/live.mp3", true, Client{}))
	}
	e.send(10)
	if r := e.end(); r != Finished {
		t.Errorf("the encoder ended as %v", r)
	}
	hearing.Wait()
	for name, n := range last {
		if n != e.next-1 {
			t.Errorf("%s: heard to frame %d of %d", name, n, e.next-1)
		}
	}
	if n := bytes.Count(blocks.Bytes(), []byte("the title")); n != 1 {
		t.Errorf("the title came %d times", n)
	}
	for _, h := range passing {
		h.Wait()
	}
	if _, err := stations[0].Hold(unixPair); !errors.Is(err, ErrHandedOver) {
		t.Errorf("handed over twice: %v", err)
	}
}

// withoutMetadata takes the blocks of metadata out of a stream.
type withoutMetadata struct {
	r              io.Reader
	interval, left int
	blocks         io.Writer
}

func (w *withoutMetadata) Read(p []byte) (int, error) {
	if w.left == 0 {
		var size [1]byte
		if _, err := io.ReadFull(w.r, size[:]); err != nil {
			return 0, err
		}
		if _, err := io.CopyN(w.blocks, w.r, 16*int64(size[0])); err != nil {
			return 0, err
		}
		w.left = w.interval
	}
	n, err := w.r.Read(p[:min(len(p), w.left)])
	w.left -= n
	return n, err
}

func TestAHandoverThatComesToNothingIsNotHeard(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	e := connect(t, st, "/live.mp3", "audio/mpeg")
	e.send(50)
	e.settle()
	p := join(t, st, "/live.mp3", true, Client{})
	p.readHead()
	heard := p.readAside()
	for range 3 {
		h, err := st.Hold(unixPair)
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan struct{})
		go func() {
			e.send(10)
			close(sent)
		}()
		h.Release()
		<-sent
	}
	e.end()
	if c := check(t, <-heard); c.Last != e.next-1 {
		t.Errorf("heard to %d", c.Last)
	}
}

// Fallbacks and waits go on: those who hear another mount than their own return when its source does.
func TestListenersOfAFallbackReturnInTheOtherProcess(t *testing.T) {
	settings := Settings{Director: backup{path: "/auto.mp3"}}
	old, _ := newTestStation(t, settings)
	next, _ := newTestStation(t, settings)
	live, auto := connect(t, old, "/live.mp3", "audio/mpeg"), connect(t, old, "/auto.mp3", "audio/mpeg")
	auto.next = 5000
	for _, e := range []*encoder{live, auto} {
		e.send(50)
		e.settle()
	}
	p := join(t, old, "/live.mp3", true, Client{})
	p.readHead()
	live.end()
	auto.send(20)
	auto.settle()
	handOver(t, old, next)
	auto.send(20)
	live = connect(t, next, "/live.mp3", "audio/mpeg")
	live.next = 100
	live.send(20)
	p.readUntil(numbered.AppendFrame(nil, 119, time.Time{})[:58])
	auto.end()
	live.end()
}

// What only this process accounts for does not keep a listener here: the other process has its own account.
func TestAListenerWithAnAccountIsHandedOverItself(t *testing.T) {
	old, _ := newTestStation(t, Settings{})
	next, _ := newTestStation(t, Settings{})
	e := connect(t, old, "/live.mp3", "audio/mpeg")
	e.send(50)
	e.settle()
	ended := make(chan bool, 2)
	for _, local := range []bool{true, false} {
		p := join(t, old, "/live.mp3", true, Client{Admission: &Admission{OnEnd: func(time.Duration) { ended <- local }, Local: local}})
		p.readUntil(numbered.AppendFrame(nil, 49, time.Time{})[:58])
	}
	if h := handOver(t, old, next); h.Left() != 1 {
		t.Errorf("%d listeners come by this process; expected one", h.Left())
	}
	for _, want := range []bool{true, false} {
		select {
		case local := <-ended:
			if local != want {
				t.Errorf("the listener with Local %v ends first", local)
			}
		case <-time.After(patience):
			t.Fatal("an account is not closed")
		}
		if want {
			e.end()
		}
	}
}

// A listener whose request was under way when its station was handed over hears on where it was.
func TestAListenerThatComesLateGoesOnWhereItWas(t *testing.T) {
	old, _ := newTestStation(t, Settings{})
	next, _ := newTestStation(t, Settings{})
	e := connect(t, old, "/live.mp3", "audio/mpeg")
	e.send(50)
	e.settle()
	l, err := old.Mount("/live.mp3").Admit(Client{})
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := tcpPair(t)
	h := handOver(t, old, next)
	e.send(50)
	e.settle()
	p := &player{Conn: theirs, Listener: l, t: t}
	heard := p.readAside()
	l.Attach(ours, nil)
	e.send(10)
	e.settle()
	eventually.True(t, patience, "the listener is handed over", func() bool { return next.Listeners() == 1 })
	e.end()
	if c := check(t, <-heard); c.Frames != 110 || c.Last != 109 {
		t.Errorf("heard %d to %d", c.First, c.Last)
	}
	h.Wait()
}
