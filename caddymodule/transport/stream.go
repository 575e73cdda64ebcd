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
	deadline time.Time // of the write that is under way; zero: none is
	aborted  bool
	closed   bool
	stuck    WriteWatchdog
}

// NewStream takes a response over whose head has been written. It came by conn, nil
// for HTTP/3.
func NewStream(w http.ResponseWriter, conn net.Conn) *Stream {
	w = innermost(w)
	return &Stream{ResponseWriter: w, control: http.NewResponseController(w), stuck: WriteWatchdog{Conn: conn, After: ResetTime}}
}

// Flush sends what was written. It takes the deadline back: on HTTP/2 that is a
// timer, which resets the stream even if there is nothing to write.
func (c *Stream) Flush() error {
	if err := c.control.Flush(); err != nil {
		return err
	}
	return c.SetWriteDeadline(time.Time{})
}

// SetWriteDeadline bounds the writes to come, unless Abort has ended them.
func (c *Stream) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.aborted {
		return nil
	}
	c.deadline = t
	c.stuck.Arm(t)
	return c.control.SetWriteDeadline(t)
}

// Abort makes writes fail. The response must not be touched once the handler
// has returned, so it does nothing after Close.
func (c *Stream) Abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.aborted = true
	if !c.closed {
		c.stuck.Arm(time.Now())
		_ = c.control.SetWriteDeadline(time.Unix(1, 0))
	}
}

// WhyOver tells why the request is over before its listener: on HTTP/2 that is also how a
// write ends that runs into its deadline, and may be noticed before the write fails.
func (c *Stream) WhyOver() streaming.Reason {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.deadline.IsZero() && time.Now().After(c.deadline) {
		return streaming.Slow
	}
	return streaming.Disconnected
}

func (c *Stream) IsAborted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.aborted
}

// Close lets go of the response; the stream ends when the handler returns.
func (c *Stream) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.stuck.Arm(time.Time{})
	return nil
}

// Interface guard
var _ streaming.Conn = (*Stream)(nil)
