package transport

import (
	"context"
	"net"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// ResetTime is how long after its deadline, or after it was given up, a response may take to
// end. Its connection takes nothing if it does not: what would end a stream of HTTP/2, the
// reset, waits to be written behind what the client does not take.
const ResetTime = 10 * time.Second

type connKey struct{}

// RegisterConnContext lets requests of a server know the connection that they came by.
func RegisterConnContext(srv *caddyhttp.Server) {
	srv.RegisterConnContext(func(ctx context.Context, c net.Conn) context.Context {
		if ctx.Value(connKey{}) != nil { // another station has asked for it
			return ctx
		}
		return context.WithValue(ctx, connKey{}, c)
	})
}

// ConnOf returns the connection that a request of HTTP/1 or 2 came by, nil if it is not known.
func ConnOf(ctx context.Context) net.Conn {
	c, _ := ctx.Value(connKey{}).(net.Conn)
	return c
}

// WriteWatchdog closes a connection of several streams once one of them ought to have ended.
type WriteWatchdog struct {
	Conn  net.Conn // nil: of HTTP/3, where a stream is reset whatever the peer takes
	After time.Duration
	timer *time.Timer
}

// Arm sets from when on the stream ought to have ended; zero: it need not end.
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

// closeConn closes the connection without TLS's last words, for which it would wait.
func (s *WriteWatchdog) closeConn() {
	conn := s.Conn
	if under, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = under.NetConn()
	}
	_ = conn.Close()
}
