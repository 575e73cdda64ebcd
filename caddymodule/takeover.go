package caddymodule

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

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

// takeOver takes an HTTP/1 connection from the server. Nothing may be written or
// flushed through w afterwards.
func takeOver(w http.ResponseWriter) (net.Conn, *bufio.Reader, error) {
	conn, rw, err := http.NewResponseController(innermost(w)).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("taking over the connection: %w", err)
	}
	return conn, rw.Reader, nil
}

// plainConn returns the TCP connection beneath conn if that is all that conn is:
// no TLS and nothing else that changes the bytes. Types that we don't know are
// left alone.
func plainConn(conn net.Conn, r *http.Request) (*net.TCPConn, bool) {
	if r.TLS != nil {
		return nil, false
	}
	tcp, ok := bare(conn).(*net.TCPConn)
	return tcp, ok
}

// bare takes off conn all that does not change the bytes.
func bare(conn net.Conn) net.Conn {
	for {
		if w, ok := conn.(*streaming.CipherBuffer); ok {
			return w.TCPConn
		}
		inner, ok := without(conn)
		if !ok {
			return conn
		}
		conn = inner
	}
}

// without takes off conn what we, Caddy and its PROXY protocol put around it.
func without(conn net.Conn) (inner net.Conn, ok bool) {
	if s, is := conn.(*sniffer); is {
		return s.Conn, true
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

// field is a line of a response head.
type field struct{ name, value string }

// head renders the head of a response to an HTTP/1 listener: what the site's
// configuration has set, then ours, then Icecast's, which come as Icecast
// writes them (tiny players look for just these bytes).
func head(r *http.Request, header http.Header, fields []field) []byte {
	b := make([]byte, 0, 1<<10)
	line := func(name, colon, value string) {
		b = append(append(append(append(b, name...), colon...), oneLine.Replace(value)...), '\r', '\n')
	}
	if r.ProtoAtLeast(1, 1) {
		b = append(b, "HTTP/1.1 200 OK\r\n"...)
	} else {
		b = append(b, "HTTP/1.0 200 OK\r\n"...)
	}
	if header.Get("Date") == "" {
		line("Date", ": ", time.Now().UTC().Format(http.TimeFormat))
	}
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch name {
		case "", "Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Upgrade":
			continue
		}
		if strings.ContainsAny(name, " :\r\n") { // a placeholder's, perhaps; net/http skips it too
			continue
		}
		for _, value := range header[name] {
			line(name, ": ", value)
		}
	}
	line("Connection", ": ", "close")
	for _, f := range fields {
		line(f.name, ":", f.value)
	}
	return append(b, '\r', '\n')
}

// oneLine keeps a value from ending its line, as net/http does.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")
