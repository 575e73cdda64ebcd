package cluster

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/tests/harness"
)

// countingListener hears, and counts, without keeping what it heard.
type countingListener struct {
	*harness.Listener
	last    atomic.Uint64 // number of the last numbered frame
	frames  atomic.Uint64 // numbered ones
	missing atomic.Uint64
	other   atomic.Uint64 // frames that are not numbered
	longest atomic.Int64  // nanoseconds between two frames
	at      time.Time     // of the last frame
	ended   chan error
}

func listenCounting(s *harness.Server, mount string) *countingListener {
	s.T.Helper()
	f := &countingListener{ended: make(chan error, 1)}
	f.Listener = s.Open(mount, harness.HTTP1, false, func(body io.Reader) { f.ended <- f.hear(body) })
	_ = f.Conn.SetDeadline(time.Now().Add(15 * time.Minute))
	return f
}

func (f *countingListener) hear(body io.Reader) error {
	framer := format.New(numbered.ContentType)
	var rest []byte
	buf := make([]byte, 4096)
	for {
		n, err := body.Read(buf)
		rest = append(rest, buf[:n]...)
		for {
			used, u := framer.Next(rest, false)
			if used == 0 && u.Data == nil {
				break
			}
			if e := f.check(u); e != nil {
				return e
			}
			rest = rest[used:]
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (f *countingListener) check(u format.Unit) error {
	if u.Data == nil {
		return nil
	}
	now := time.Now()
	if pause := now.Sub(f.at); !f.at.IsZero() && int64(pause) > f.longest.Load() {
		f.longest.Store(int64(pause))
	}
	f.at = now
	n, ok := numbered.Frame(u.Data)
	if !ok {
		f.other.Add(1)
		return nil
	}
	last := f.last.Load()
	if last > 0 && n <= last {
		return fmt.Errorf("frame %d comes after %d", n%harness.SourceSpan, last%harness.SourceSpan)
	}
	if last > 0 {
		f.missing.Add(n - last - 1)
	}
	f.last.Store(n)
	f.frames.Add(1)
	return nil
}

// waitForFrames waits until a listener has heard so many more numbered frames. It may be called from
// any goroutine.
func (f *countingListener) waitForFrames(what string, n uint64) {
	f.T.Helper()
	from := f.frames.Load()
	err := harness.Await(func() error {
		select {
		case err := <-f.ended:
			f.ended <- err
			return fmt.Errorf("the listener was disconnected: %v", err) //nolint:errorlint // err may be nil
		default:
		}
		if now := f.frames.Load(); now < from+n {
			return fmt.Errorf("%d were heard", now-from)
		}
		return nil
	})
	if err != nil {
		f.T.Errorf("%s: %d more frames are heard: %v", what, n, err)
	}
}
