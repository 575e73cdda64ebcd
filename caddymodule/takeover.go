package caddymodule

import (
	"bufio"
	"crypto/tls"
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

// bare takes off conn what does not change the bytes.
func bare(conn net.Conn) net.Conn {
	switch fmt.Sprintf("%T", conn) {
	case "*caddyhttp.http2Conn": // looks out for HTTP/2 where that is not allowed
		if inner, ok := reflect.ValueOf(conn).Elem().FieldByName("Conn").Interface().(net.Conn); ok {
			conn = inner
		}
	case "*proxyproto.Conn":
		if c, ok := conn.(interface{ TCPConn() (*net.TCPConn, bool) }); ok {
			if tcp, ok := c.TCPConn(); ok {
				return tcp
			}
		}
	}
	if w, ok := conn.(*streaming.Wire); ok {
		return w.TCPConn
	}
	return conn
}

// sealedWire returns the wire beneath conn if that is TLS over one.
func sealedWire(conn net.Conn) (*streaming.Wire, bool) {
	c, ok := conn.(*tls.Conn)
	if !ok {
		return nil, false
	}
	w, ok := c.NetConn().(*streaming.Wire)
	return w, ok
}

// field is a line of a response head.
type field struct{ name, value string }

// head renders the head of a response to an HTTP/1 listener: what the site's
// configuration has set, then ours, then Icecast's, which come as Icecast
// writes them (tiny players look for just these bytes).
func head(r *http.Request, header http.Header, fields []field) []byte {
	var b strings.Builder
	version := "1.1"
	if !r.ProtoAtLeast(1, 1) {
		version = "1.0"
	}
	fmt.Fprintf(&b, "HTTP/%s 200 OK\r\n", version)
	if header.Get("Date") == "" {
		fmt.Fprintf(&b, "Date: %s\r\n", time.Now().UTC().Format(http.TimeFormat))
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
			fmt.Fprintf(&b, "%s: %s\r\n", name, oneLine.Replace(value))
		}
	}
	b.WriteString("Connection: close\r\n")
	for _, f := range fields {
		fmt.Fprintf(&b, "%s:%s\r\n", f.name, oneLine.Replace(f.value))
	}
	b.WriteString("\r\n")
	return []byte(b.String())
}

// oneLine keeps a value from ending its line, as net/http does.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")
