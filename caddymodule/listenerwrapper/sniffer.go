package listenerwrapper

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/socket"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming/icy"
)

const (
	invalidPassword = "invalid password\r\n"
	shoutcastOK     = "OK2\r\nicy-caps:11\r\n\r\n"
	audiocastOK     = "OK\r\n\r\n"

	// drainTime and drainSize bound what is read from a rejected peer before the connection is
	// closed. Without that, closing with unread bytes would discard the answer.
	drainTime = 500 * time.Millisecond
	drainSize = 64 << 10

	// maxLines bounds the lines of a head that is inspected.
	maxLines = 128
)

var errLongHead = fmt.Errorf("head of the source: too long; expected at most %d bytes and %d lines", icy.MaxHead, maxLines)

// sniffer is a connection whose requests are inspected when the server reads them. A sound one
// is read directly into the server's buffer. The head of any other is read to its end, answered
// if need be, and passed on as a sound one. The server's read_header timeout bounds that, as for
// every head: its deadline is set before the first Read.
type sniffer struct {
	net.Conn                  // a streaming.CipherBuffer for TCP
	host     *ListenerWrapper // set once
	wrapper  *ListenerWrapper // host while there are heads to inspect; nil before connContext and after them
	ahead    []byte           // read, but not by the server yet
	ready    int              // bytes of ahead that the server may read
	heads    heads
	isNew    atomic.Bool      // among the newcomers of the host
	begun    atomic.Bool      // a request is whole
	from     *socket.Listener // that accepted it; nil: it can't be passed on
	stage    atomic.Int32
	opening  []byte    // all that was read while it is fresh
	deadline time.Time // that the server has set while it is fresh

	grants auth.GrantSlot // of a source that logged in without HTTP
}

// Read implements net.Conn.
func (c *sniffer) Read(p []byte) (int, error) {
	c.settleIfBegun()
	for c.wrapper != nil && c.ready == 0 {
		if len(c.ahead) == 0 {
			if n, err := c.readDirectly(p); n > 0 || err != nil {
				return n, err
			}
		}
		if err := c.inspect(c.wrapper); err != nil {
			return 0, err
		}
	}
	if len(c.ahead) == 0 {
		return c.readConn(p)
	}
	if c.wrapper == nil {
		c.ready = len(c.ahead)
	}
	n := copy(p, c.ahead[:c.ready])
	c.ready -= n
	if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
		c.ahead = nil
	}
	return n, nil
}

// inspect looks at ahead, which has some bytes, and passes on what it can decide about. It may
// read more.
func (c *sniffer) inspect(w *ListenerWrapper) error {
	if c.heads.later {
		return c.inspectLater(w)
	}
	kind := icy.Sniff(c.ahead)
	for ; kind == icy.Undecided; kind = icy.Sniff(c.ahead) {
		if err := c.more(); err != nil {
			return err
		}
	}
	if kind == icy.Request {
		return c.fixHead(w)
	}
	c.wrapper = nil
	return c.open(w, kind)
}

// open handles the opening of a connection that is not HTTP; its first bytes are in ahead.
func (c *sniffer) open(w *ListenerWrapper, kind icy.Opening) error {
	switch kind {
	case icy.Login:
		mount, password := icy.ParseLogin(c.line())
		if mount == "" {
			mount = w.Mount
		}
		return c.logIn(w, mount, password, shoutcastOK, "")
	case icy.Audiocast:
		mount, password, _ := icy.ParseAudiocast(c.line())
		return c.logIn(w, mount, password, "", audiocastOK)
	case icy.Poke:
		return c.refuse()
	}
	return nil
}

// logIn accepts or rejects a source that gives a password without HTTP. early is the answer
// before its fields, late the answer before its stream.
func (c *sniffer) logIn(w *ListenerWrapper, mount, password, early, late string) error {
	grant, err := w.authorize(c.RemoteAddr(), mount, request.Text(password))
	if err != nil {
		w.reject(c.RemoteAddr(), mount, err)
		return c.refuse()
	}
	if early != "" {
		if _, err := io.WriteString(c, early); err != nil {
			return err
		}
	}
	n, err := c.until(icy.FieldsLength)
	if n == 0 {
		return cmp.Or(err, errLongHead)
	}
	grant.Answer = late
	c.grants.Put(grant)
	c.ahead = append(icy.SourceRequest(mountpath.Escape(mount), c.site(w), c.ahead[:n]), c.ahead[n:]...)
	return nil
}

// refuse ends a connection with the answer that every SHOUTcast encoder expects.
func (c *sniffer) refuse() error {
	if _, err := io.WriteString(c, invalidPassword); err != nil {
		return err
	}
	if err := c.CloseWrite(); err == nil {
		_ = c.SetReadDeadline(time.Now().Add(drainTime))
		_, _ = io.CopyN(io.Discard, c.Conn, drainSize)
	}
	return io.EOF
}

// line removes the first line from ahead and returns it.
func (c *sniffer) line() string {
	line, rest, _ := bytes.Cut(c.ahead, []byte("\n"))
	c.ahead = rest
	return string(bytes.TrimRight(line, "\r"))
}

// until reads until ahead has an end, and returns its position; 0 if there is none within the
// limits of a head.
func (c *sniffer) until(end func([]byte) int) (int, error) {
	for {
		if n := end(c.ahead); n > 0 {
			return n, nil
		}
		if len(c.ahead) >= icy.MaxHead || bytes.Count(c.ahead, []byte("\n")) > maxLines {
			return 0, nil
		}
		if err := c.more(); err != nil {
			return 0, err
		}
	}
}

// more reads more bytes into ahead.
func (c *sniffer) more() error {
	if len(c.ahead) == cap(c.ahead) {
		c.ahead = append(make([]byte, 0, min(2*cap(c.ahead)+icy.MaxLine, 2*icy.MaxHead)), c.ahead...)
	}
	n, err := c.readConn(c.ahead[len(c.ahead):cap(c.ahead)])
	c.ahead = c.ahead[:len(c.ahead)+n]
	if n > 0 {
		return nil
	}
	return err
}

// Underlying implements transport.Transparent.
func (c *sniffer) Underlying() net.Conn { return c.Conn }

// CloseWrite lets the server end its side first, so that a peer that still sends can read the
// answer.
func (c *sniffer) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// ReadFrom lets the kernel copy files.
func (c *sniffer) ReadFrom(r io.Reader) (int64, error) {
	if !c.keep() {
		return 0, net.ErrClosed
	}
	return io.Copy(c.Conn, r)
}

// SyscallConn implements syscall.Conn.
func (c *sniffer) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// connState follows what the server does with a connection.
func connState(conn net.Conn, state http.ConnState) {
	if c, _ := snifferOf(conn); c != nil {
		c.connState(state)
	}
}

// connContext enables a plain connection's sniffer and puts its grants into the context of its
// requests. Beneath TLS nothing is inspected.
func connContext(ctx context.Context, conn net.Conn) context.Context {
	c, isTLS := snifferOf(conn)
	if c == nil || isTLS {
		return ctx
	}
	c.wrapper = c.host // all wrappers above pass bytes unchanged
	return auth.WithGrantSlot(ctx, &c.grants)
}

// snifferOf returns the sniffer beneath a connection, and whether it is beneath TLS; nil: there
// is none.
func snifferOf(conn net.Conn) (c *sniffer, isTLS bool) {
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn, isTLS = encrypted.NetConn(), true
	}
	for conn != nil {
		if c, ok := conn.(*sniffer); ok {
			return c, isTLS
		}
		conn, _ = transport.Unwrap(conn)
	}
	return nil, isTLS
}

// hostOf returns the IP address of a peer; the zero value: it has none, as on a Unix socket.
func hostOf(addr net.Addr) netip.Addr {
	at, _ := netip.ParseAddrPort(addr.String())
	return at.Addr().Unmap()
}

// addressOf returns the IP address of a peer, for logs.
func addressOf(addr net.Addr) string {
	if host := hostOf(addr); host.IsValid() {
		return host.String()
	}
	return addr.String()
}
