package listenerwrapper

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming/icy"
)

const (
	invalidPassword = "invalid password\r\n"
	shoutcastOK     = "OK2\r\nicy-caps:11\r\n\r\n"
	audiocastOK     = "OK\r\n\r\n"

	// drainTime is how long one who was refused may take to read that, and
	// drainSize how much it may have sent before. Closed at once, a connection
	// with bytes that were not read loses those that were not sent yet.
	drainTime = 500 * time.Millisecond
	drainSize = 64 << 10

	// maxLines is how many lines a head may have that is looked at.
	maxLines = 128
)

var errLongHead = errors.New("what a source says of itself is too long")

// sniffer is a connection whose first bytes are looked at when the server reads
// them. Mostly they are what the server expects, and are read right into its
// buffer. What an encoder says otherwise is read up to the end of its head,
// answered if need be, and handed on as a request of HTTP. As for every head,
// the server's read_header timeout says how long that may take: its deadline is
// set before the first byte is read.
type sniffer struct {
	net.Conn                  // a wire, if it is TCP
	host     *ListenerWrapper // that made it
	wrapper  *ListenerWrapper // the same until they were looked at; nil until it is known that they are no TLS
	ahead    []byte           // read, and not handed on yet

	grants auth.GrantSlot // of a source that has logged in without HTTP, until its request arrives
}

// Read implements net.Conn.
func (c *sniffer) Read(p []byte) (int, error) {
	if w := c.wrapper; w != nil {
		c.wrapper = nil
		n, err := c.Conn.Read(p)
		opening := icy.Sniff(p[:n])
		if opening == icy.Plain || err != nil {
			return n, err
		}
		c.ahead = append(make([]byte, 0, max(n, icy.MaxLine)), p[:n]...)
		if err := c.open(w, opening); err != nil {
			return 0, err
		}
	}
	if len(c.ahead) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.ahead)
	if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
		c.ahead = nil
	}
	return n, nil
}

// open goes on from the first bytes, which are ahead.
func (c *sniffer) open(w *ListenerWrapper, opening icy.Opening) error {
	for ; opening == icy.Undecided; opening = icy.Sniff(c.ahead) {
		if err := c.more(); err != nil {
			return err
		}
	}
	switch opening {
	case icy.Request:
		n, err := c.until(icy.HeadLength)
		if n > 0 {
			c.ahead = append(icy.FixHead(c.ahead[:n], c.site(w)), c.ahead[n:]...)
		}
		return err
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

// logIn lets a source in that gives a password without HTTP, or refuses it.
// Early is what it waits for before it tells of itself, late before it sends.
func (c *sniffer) logIn(w *ListenerWrapper, mount, password, early, late string) error {
	grant, err := w.authorize(c.RemoteAddr(), mount, password)
	if err != nil {
		w.log.Warn("a source was refused that does not speak HTTP",
			zap.String("mount", response.Printable(mount)), zap.String("client_ip", addressOf(c.RemoteAddr())), zap.Error(err))
		return c.refuse()
	}
	if _, err := io.WriteString(c.Conn, early); err != nil {
		return err
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

// refuse ends a connection with the words that every SHOUTcast encoder knows.
func (c *sniffer) refuse() error {
	if _, err := io.WriteString(c.Conn, invalidPassword); err != nil {
		return err
	}
	if err := c.CloseWrite(); err == nil {
		_ = c.SetReadDeadline(time.Now().Add(drainTime))
		_, _ = io.CopyN(io.Discard, c.Conn, drainSize)
	}
	return io.EOF
}

// line takes the first line.
func (c *sniffer) line() string {
	line, rest, _ := bytes.Cut(c.ahead, []byte("\n"))
	c.ahead = rest
	return string(bytes.TrimRight(line, "\r"))
}

// until reads on until what is ahead has an end, and returns where that is; 0 if
// there is none within what a head may be long.
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

// more reads some more ahead.
func (c *sniffer) more() error {
	if len(c.ahead) == cap(c.ahead) {
		c.ahead = append(make([]byte, 0, min(2*cap(c.ahead)+icy.MaxLine, 2*icy.MaxHead)), c.ahead...)
	}
	n, err := c.Conn.Read(c.ahead[len(c.ahead):cap(c.ahead)])
	c.ahead = c.ahead[:len(c.ahead)+n]
	if n > 0 {
		return nil
	}
	return err
}

// site is what a request names that names no host: the station's, if it has one, or where
// it came in.
func (c *sniffer) site(w *ListenerWrapper) string {
	if w.station != nil && w.station.Identity.Hostname != "" {
		return w.station.Identity.Hostname
	}
	if at, err := netip.ParseAddrPort(c.LocalAddr().String()); err == nil {
		return netip.AddrPortFrom(at.Addr().WithZone(""), at.Port()).String()
	}
	return "localhost"
}

// Underlying implements transport.Transparent.
func (c *sniffer) Underlying() net.Conn { return c.Conn }

// CloseWrite lets the server end its side first, so that what it has answered is
// read by those who still send.
func (c *sniffer) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// ReadFrom lets the kernel copy files.
func (c *sniffer) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// SyscallConn implements syscall.Conn.
func (c *sniffer) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// connContext puts a plain connection into the context of its requests. One that
// is beneath TLS needs no looking at.
func connContext(ctx context.Context, conn net.Conn) context.Context {
	encrypted, isTLS := conn.(*tls.Conn)
	if isTLS {
		conn = encrypted.NetConn()
	}
	for conn != nil {
		if c, ok := conn.(*sniffer); ok {
			if isTLS {
				return ctx
			}
			c.wrapper = c.host // it is certain that nothing is between that we don't know
			return auth.WithGrantSlot(ctx, &c.grants)
		}
		conn, _ = transport.Unwrap(conn)
	}
	return ctx
}

// addressOf returns the IP address of a peer, as logs have it.
func addressOf(addr net.Addr) string {
	if at, err := netip.ParseAddrPort(addr.String()); err == nil {
		return at.Addr().Unmap().String()
	}
	return addr.String()
}
