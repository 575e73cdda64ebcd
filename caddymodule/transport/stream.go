package transport

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming"
)

// Stream is a response of HTTP/2 or 3 as a listener's connection.
type Stream struct {
	http.ResponseWriter
	control *http.ResponseController

	mu       sync.Mutex
	deadline time.Time // of the write in progress; zero: none
	aborted  bool
	closed   bool
	watchdog WriteWatchdog
}

// NewStream returns the stream of a response whose head is written. conn is the connection of
// the request, nil for HTTP/3.
func NewStream(w http.ResponseWriter, conn net.Conn) *Stream {
	w = innermost(w)
	return &Stream{ResponseWriter: w, control: http.NewResponseController(w), watchdog: WriteWatchdog{Conn: conn, After: ResetTime}}
}

// Flush sends all written bytes and clears the deadline. On HTTP/2 a deadline is a timer that
// resets the stream even if there is nothing to write.
func (c *Stream) Flush() error {
	if err := c.control.Flush(); err != nil {
		return err
	}
	return c.SetWriteDeadline(time.Time{})
}

// SetWriteDeadline bounds the next writes. It does nothing after Abort.
func (c *Stream) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.aborted {
		return nil
	}
	c.deadline = t
	c.watchdog.Arm(t)
	return c.control.SetWriteDeadline(t)
}

// Abort makes writes fail. The response must not be touched once the handler
// has returned, so it does nothing after Close.
func (c *Stream) Abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.aborted = true
	if !c.closed {
		c.watchdog.Arm(time.Now())
		_ = c.control.SetWriteDeadline(time.Unix(1, 0))
	}
}

// WhyOver returns why the request ended before its listener. On HTTP/2 the end of a request may
// also be a write that exceeded its deadline, noticed before the write fails.
func (c *Stream) WhyOver() streaming.Reason {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.deadline.IsZero() && time.Now().After(c.deadline) {
		return streaming.Slow
	}
	return streaming.Disconnected
}

// IsAborted reports whether Abort was called.
func (c *Stream) IsAborted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.aborted
}

// Close stops the watchdog; the stream ends when the handler returns.
func (c *Stream) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.watchdog.Arm(time.Time{})
	return nil
}

// Interface guard
var _ streaming.Conn = (*Stream)(nil)
