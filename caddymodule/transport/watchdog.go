package transport

import (
	"context"
	"net"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// ResetTime bounds the time from the deadline of a write, or from Abort, to the end of the
// response. After that the client accepts no data at all: the reset of an HTTP/2 stream waits
// behind the unsent bytes.
const ResetTime = 10 * time.Second

type connKey struct{}

// RegisterConnContext puts its connection into the context of each request of a server.
func RegisterConnContext(srv *caddyhttp.Server) {
	srv.RegisterConnContext(func(ctx context.Context, c net.Conn) context.Context {
		if ctx.Value(connKey{}) != nil { // registered by another station
			return ctx
		}
		return context.WithValue(ctx, connKey{}, c)
	})
}

// ConnOf returns the connection of a request over HTTP/1 or 2, nil if it is unknown.
func ConnOf(ctx context.Context) net.Conn {
	c, _ := ctx.Value(connKey{}).(net.Conn)
	return c
}

// WriteWatchdog closes a connection of several streams if one of them does not end in time.
type WriteWatchdog struct {
	Conn  net.Conn // nil: HTTP/3, where a reset does not wait for the peer
	After time.Duration
	timer *time.Timer
}

// Arm sets when the stream must have ended; zero: never.
func (s *WriteWatchdog) Arm(end time.Time) {
	switch {
	case s.Conn == nil:
	case end.IsZero():
		if s.timer != nil {
			s.timer.Stop()
		}
	case s.timer == nil:
		s.timer = time.AfterFunc(time.Until(end)+s.After, s.closeConn)
	default:
		s.timer.Reset(time.Until(end) + s.After)
	}
}

// closeConn closes the connection without TLS's close_notify, which would block.
func (s *WriteWatchdog) closeConn() {
	conn := s.Conn
	if under, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = under.NetConn()
	}
	_ = conn.Close()
}
