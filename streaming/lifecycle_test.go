package streaming

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

// A check that is under way while Run ends would else arm the timer again, and go on until
// source_timeout on a connection that is closed.
func TestASourceIsNotWatchedAfterItsEnd(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	e := connect(t, st, "/m", numbered.ContentType)
	e.send(someFrames)
	e.end()
	e.watch() // as if it had begun before
	if e.timer.Stop() {
		t.Error("the timer is armed again")
	}
}

// memoryConn is a connection whose writes wait for a permission.
type memoryConn struct {
	permits chan struct{} // nil: none is needed
	aborted sync.Once
	closed  chan struct{}
}

func newMemoryConn(permits chan struct{}) *memoryConn {
	return &memoryConn{permits: permits, closed: make(chan struct{})}
}

func (c *memoryConn) Write(p []byte) (int, error) {
	if c.permits == nil {
		return len(p), nil
	}
	select {
	case <-c.permits:
		return len(p), nil
	case <-c.closed:
		return 0, io.ErrClosedPipe
	}
}

func (c *memoryConn) Flush() error                     { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }
func (c *memoryConn) Abort()                           { c.aborted.Do(func() { close(c.closed) }) }
func (c *memoryConn) Close() error                     { return nil }

// In a synctest bubble time passes only while all goroutines wait for it, so what takes no
// time there waits for signals alone.
func TestAStationClosesAsSoonAsItsLastListenerHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := NewStation(func(*Listener) {}, func(FeedChange) {})
		st.Apply(&Settings{Latency: time.Nanosecond}) // the interval of a shard is not what is tested
		src := connect(t, st, "/m", numbered.ContentType)
		src.send(someFrames)
		l, err := st.Await(t.Context(), "/m").Admit(Client{})
		if err != nil {
			t.Fatal(err)
		}
		l.Go(newMemoryConn(nil), nil)
		synctest.Wait()
		began := time.Now()
		if err := st.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it waits %v for nothing", took)
		}
	})
}

func TestAListenerIsMovedAsSoonAsItsWriteIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := NewStation(func(*Listener) {}, func(FeedChange) {})
		for _, path := range []string{"/a", "/b"} {
			src := connect(t, st, path, numbered.ContentType)
			src.send(someFrames)
			st.Await(t.Context(), path)
		}
		l, err := st.Mount("/a").Admit(Client{})
		if err != nil {
			t.Fatal(err)
		}
		permits := make(chan struct{})
		l.Go(newMemoryConn(permits), nil)
		synctest.Wait() // it writes
		began := time.Now()
		moved := make(chan error, 1)
		go func() { moved <- st.MoveListener(l, "/b") }()
		synctest.Wait()
		go func() {
			for permits != nil {
				select {
				case permits <- struct{}{}:
				case <-st.drained:
					return
				}
			}
		}()
		if err := <-moved; err != nil {
			t.Errorf("it is not moved: %v", err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it waits %v for nothing", took)
		}
		if err := st.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAListenerThatTakesNothingIsNotMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := NewStation(func(*Listener) {}, func(FeedChange) {})
		src := connect(t, st, "/m", numbered.ContentType)
		src.send(someFrames)
		l, err := st.Await(t.Context(), "/m").Admit(Client{})
		if err != nil {
			t.Fatal(err)
		}
		c := newMemoryConn(make(chan struct{}))
		l.Go(c, nil)
		synctest.Wait()
		if err := st.MoveListener(l, "/m"); !errors.Is(err, ErrStalled) {
			t.Errorf("it is moved: %v", err)
		}
		c.Abort()
		synctest.Wait()
		if err := st.MoveListener(l, "/m"); !errors.Is(err, ErrNoSuchListener) {
			t.Errorf("after its end: %v", err)
		}
		if err := st.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCloseWaitsForTheStopOfASourceOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := NewStation(func(*Listener) {}, func(FeedChange) {})
		s, stopping, release := new(Source), make(chan struct{}), make(chan struct{})
		s.SetOnDemand(true)
		err := st.NewSource("/m", s, Info{ContentType: numbered.ContentType}, func() {
			close(stopping)
			<-release
		})
		if err != nil {
			t.Fatal(err)
		}
		eventually.Advance(unheardTime)
		st.Reconsider()
		<-stopping
		s.End()
		closed := make(chan error)
		go func() { closed <- st.Close(context.Background()) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("the station is closed while the source is being stopped")
			close(release)
		default:
			close(release)
			if err := <-closed; err != nil {
				t.Error(err)
			}
		}
	})
}
