package streaming

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
)

// failing is a connection on which each write fails.
type failing struct {
	err     error
	aborted atomic.Bool
}

func (f *failing) Write([]byte) (int, error)        { return 0, f.err }
func (f *failing) Flush() error                     { return nil }
func (f *failing) SetWriteDeadline(time.Time) error { return nil }
func (f *failing) Abort()                           { f.aborted.Store(true) }
func (f *failing) Close() error                     { return nil }

// A listener whose write ran into its deadline took its stream for one that had ended: on
// HTTP/3 the end came in good order.
func TestAWriteThatTakesTooLongIsOfAListenerThatIsSlow(t *testing.T) {
	for _, c := range []struct {
		name    string
		err     error
		reason  Reason
		aborted bool
	}{
		{"the deadline", &net.OpError{Op: "write", Err: os.ErrDeadlineExceeded}, Slow, true},
		{"a broken connection", errors.New("broken"), Disconnected, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, ended := newTestStation(t, Settings{})
			e := connect(t, st, "/m", numbered.ContentType)
			e.send(10)
			l, err := st.Mount("/m").Admit(Client{})
			if err != nil {
				t.Fatal(err)
			}
			conn := &failing{err: c.err}
			l.Go(conn, nil)
			if got := nextEnded(t, ended); got != l || l.Reason() != c.reason || conn.aborted.Load() != c.aborted {
				t.Errorf("it ended because of %v, aborted %v; want %v, %v", l.Reason(), conn.aborted.Load(), c.reason, c.aborted)
			}
			e.end()
		})
	}
}

func TestHTTP2SaysOfADeadlineThatTheStreamIsClosed(t *testing.T) {
	for _, c := range []struct {
		deadline time.Time
		want     Reason
	}{{time.Now().Add(-time.Second), Slow}, {time.Now().Add(time.Hour), Disconnected}} {
		conn := new(failing)
		l := &Listener{conn: conn}
		if l.fail(errors.New("http2: stream closed"), c.deadline); l.Reason() != c.want || conn.aborted.Load() != (c.want == Slow) {
			t.Errorf("it ended because of %v, aborted %v; want %v", l.Reason(), conn.aborted.Load(), c.want)
		}
	}
}
