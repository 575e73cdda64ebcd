package fallback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming"
)

// encoder is a source on a mount with its own frame numbers.
type encoder struct {
	id   uint64
	pipe *io.PipeWriter
	stop chan struct{}
	done chan struct{}
}

func newEncoder(t *testing.T, st *streaming.Station, path string, id uint64) *encoder {
	t.Helper()
	r, w := io.Pipe()
	e := &encoder{id: id, pipe: w, stop: make(chan struct{}), done: make(chan struct{})}
	src := new(streaming.Source)
	if err := st.NewSource(path, src, streaming.Info{ContentType: mpegType}, func() { _ = r.CloseWithError(io.ErrClosedPipe) }); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(e.done)
		src.Run(r)
		src.End()
	}()
	go func() {
		n := uint64(time.Now().UnixNano()) &^ (0xff << 56)
		for ; ; n++ {
			if _, err := w.Write(numbered.AppendFrame(nil, e.id<<56|n, time.Now())); err != nil {
				return
			}
			select {
			case <-e.stop:
				_ = w.Close()
				return
			case <-time.After(5 * time.Millisecond): // its pace
			}
		}
	}()
	return e
}

func (e *encoder) end() {
	close(e.stop)
	<-e.done
}

// ear is a listener that records which source it hears.
type ear struct {
	mu  sync.Mutex
	id  uint64
	at  time.Time
	bad error
}

func (e *ear) listen(c net.Conn) {
	var rest []byte
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		rest = append(rest, buf[:n]...)
		for len(rest) >= numbered.MaxFrame {
			frame, size := uint64(0), 0
			for _, s := range []int{numbered.MaxFrame, numbered.MaxFrame - 1} {
				if number, ok := numbered.Frame(rest[:s]); ok {
					frame, size = number, s
					break
				}
			}
			e.mu.Lock()
			if size == 0 && e.bad == nil {
				e.bad = fmt.Errorf("no whole frame after one of %d", e.id)
			}
			e.id, e.at = frame>>56, time.Now()
			e.mu.Unlock()
			rest = rest[max(size, 1):]
		}
	}
}

// expect waits until the listener hears the source with that id.
func (e *ear) expect(t *testing.T, home string, want uint64, d *Director) {
	t.Helper()
	err := eventually.Within(10*time.Second, time.Millisecond, func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.bad == nil && e.id != want {
			return fmt.Errorf("at %s %d is heard, want %d of %v", home, e.id, want, d.order(home))
		}
		return nil
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bad != nil || err != nil {
		t.Fatal(errors.Join(e.bad, err))
	}
}

// With any graph and any change of sources, listeners hear the first live mount of their home's
// chain, in whole frames.
func TestAStationKeepsToItsDirector(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	const mounts = 5
	name := func(i int) string { return fmt.Sprintf("/%d", i) }
	st := streaming.NewStation(func(*streaming.Listener) {}, func(streaming.FeedChange) {})
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := st.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	players := NewPlayers(st, zap.NewNop)
	var director *Director
	reload := func() {
		rules := make(map[string]Rule)
		for i := range mounts {
			var r Rule
			for range rnd.IntN(4) {
				r.Fallbacks = append(r.Fallbacks, name(rnd.IntN(mounts)))
			}
			r.Fallbacks = append(r.Fallbacks, name(mounts)) // it always plays, so that no listener ends
			rules[name(i)] = r
		}
		director = NewDirector(func(path string) Rule { return rules[path] }, players, nil, func(Mismatch) {})
		st.Apply(&streaming.Settings{Director: director})
	}
	reload()
	live := map[string]*encoder{name(mounts): newEncoder(t, st, name(mounts), mounts+1)}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if st.Await(ctx, name(mounts)) == nil {
		t.Fatal("there is nothing to hear")
	}
	ears := make([]*ear, mounts)
	for i := range mounts {
		ears[i] = new(ear)
		m := st.Await(ctx, name(i))
		if m == nil {
			t.Fatalf("there is nothing to hear on %s", name(i))
		}
		l, err := m.Admit(streaming.Client{})
		if err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		go ears[i].listen(far)
		l.Go(streaming.NetConn(near), nil)
	}
	for range 60 {
		switch i := rnd.IntN(mounts); {
		case rnd.IntN(8) == 0:
			reload()
		case live[name(i)] != nil:
			live[name(i)].end()
			delete(live, name(i))
		default:
			live[name(i)] = newEncoder(t, st, name(i), uint64(i+1))
		}
		for i, e := range ears {
			want := uint64(0)
			for _, path := range director.order(name(i)) {
				if enc := live[path]; enc != nil {
					want = enc.id
					break
				}
			}
			e.expect(t, name(i), want, director)
		}
	}
	for _, e := range live {
		e.end()
	}
}
