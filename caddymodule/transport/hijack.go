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
	"fmt"
	"net"
	"net/http"
	"reflect"

	"github.com/caddycast/caddycast/streaming"
)

// innermost returns the server's own writer, beneath all those that handlers put
// around it. They keep the request and each other in memory, and their deadlines
// may not be set by one goroutine while another writes.
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

// PlainConn returns the TCP connection beneath conn if that is all that conn is:
// no TLS and nothing else that changes the bytes. Types that we don't know are
// left alone.
func PlainConn(conn net.Conn, r *http.Request) (*net.TCPConn, bool) {
	if r.TLS != nil {
		return nil, false
	}
	tcp, ok := Bare(conn).(*net.TCPConn)
	return tcp, ok
}

// Bare takes off conn all that does not change the bytes.
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

// Transparent is implemented by connections that pass bytes through unchanged.
type Transparent interface {
	// Underlying returns the connection that the bytes pass to.
	Underlying() net.Conn
}

// Unwrap takes off conn what we, Caddy and its PROXY protocol put around it.
func Unwrap(conn net.Conn) (inner net.Conn, ok bool) {
	if t, is := conn.(Transparent); is {
		return t.Underlying(), true
	}
	switch fmt.Sprintf("%T", conn) {
	case "*caddyhttp.http2Conn", "*caddyhttp.httpRedirectConn": // look out for what is not allowed there
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
