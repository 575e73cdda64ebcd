// Package transport connects requests to the engine's sinks.
//
// Hijack takes an HTTP/1 connection from the server. What may be beneath it (our
// listener wrapper, Caddy's wrappers, PROXY protocol, TLS) is taken off by Unwrap,
// so that plain TCP and TLS connections are served by the shards. Stream is the
// response of an HTTP/2 or HTTP/3 request as a listener's connection, with a
// goroutine of its own. WriteWatchdog closes a connection that accepts no data.
//
// The package knows neither mounts nor stations. A connection belongs to one
// goroutine until it is handed to the engine.
package transport

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"sync"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/streaming"
)

// innermost returns the server's own writer, beneath the wrappers of other handlers. Wrappers
// keep the request in memory, and their deadlines must not be set by one goroutine while
// another writes.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// Hijack takes an HTTP/1 connection from the server. Nothing may be written or
// flushed through w afterwards.
func Hijack(w http.ResponseWriter) (net.Conn, *bufio.Reader, error) {
	conn, rw, err := http.NewResponseController(innermost(w)).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("taking over the connection: %w", err)
	}
	return conn, rw.Reader, nil
}

// PlainConn returns the TCP connection beneath conn if nothing between changes the bytes: no
// TLS, and only wrappers that Unwrap recognizes.
func PlainConn(conn net.Conn, r *http.Request) (*net.TCPConn, bool) {
	if r.TLS != nil {
		return nil, false
	}
	tcp, ok := Bare(conn).(*net.TCPConn)
	return tcp, ok
}

// Bare removes all wrappers that Unwrap recognizes.
func Bare(conn net.Conn) net.Conn {
	for {
		if w, ok := conn.(*streaming.CipherBuffer); ok {
			return w.TCPConn
		}
		inner, ok := Unwrap(conn)
		if !ok {
			return conn
		}
		conn = inner
	}
}

// Transparent is implemented by wrappers that pass bytes through unchanged. Wrappers of
// other modules may implement it, too.
type Transparent interface {
	// Underlying returns the connection that the bytes pass to.
	Underlying() net.Conn
}

// Unwrap removes one wrapper: a Transparent one, one of Caddy or one of its PROXY protocol.
// Caddy's types are unexported and have no method that returns the inner connection, so that
// only their names and reflection remain.
func Unwrap(conn net.Conn) (inner net.Conn, ok bool) {
	if t, is := conn.(Transparent); is {
		return t.Underlying(), true
	}
	switch fmt.Sprintf("%T", conn) {
	case "*caddyhttp.http2Conn", "*caddyhttp.httpRedirectConn":
		if f := reflect.ValueOf(conn).Elem().FieldByName("Conn"); f.IsValid() && f.CanInterface() {
			inner, ok = f.Interface().(net.Conn)
		}
	case "*proxyproto.Conn":
		if c, is := conn.(interface{ Raw() net.Conn }); is {
			inner, ok = c.Raw(), true
		}
	}
	return inner, ok
}

// unknown holds the types that ReportUnknown has logged.
var unknown sync.Map

// ReportUnknown logs a warning, once per type, if Unwrap recognizes neither conn nor the
// connection beneath its TLS. Each listener on such a connection costs a goroutine.
func ReportUnknown(log *zap.Logger, conn net.Conn) {
	conn = Bare(conn)
	if c, ok := conn.(*tls.Conn); ok {
		conn = Bare(c.NetConn())
	}
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		return
	}
	name := fmt.Sprintf("%T", conn)
	if _, known := unknown.LoadOrStore(name, true); !known {
		log.Warn("unknown connection type; each listener on it costs a goroutine", zap.String("type", name))
	}
}
