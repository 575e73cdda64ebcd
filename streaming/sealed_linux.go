package streaming

import (
	"net"
	"syscall"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// sealStep is how much is encrypted at once, and so how much of it a socket that
// would block can leave in memory: one record of TLS.
const sealStep = 16 << 10

// tlsWriter encrypts what is due to listeners over TLS.
type tlsWriter struct {
	plain, cipher []byte // reused
}

// AttachTLS feeds the listener over c, which encrypts and writes to w, and
// returns at once, as Attach does.
func (l *Listener) AttachTLS(c net.Conn, w *CipherBuffer, head []byte) {
	l.attach(w.TCPConn, c, w, head)
}

// writeSealed is write for a socket beneath an encrypting connection.
func (v *vector) writeSealed(s socket, c *blocklog.Cursor) (sent int, caughtUp bool, err error) {
	for {
		if rest := s.wire.out; len(rest) > 0 {
			n, errno := sendBytes(s.fd, rest)
			s.wire.sent(n)
			if errno == syscall.EINTR {
				continue
			}
			if errno != 0 && errno != syscall.EAGAIN {
				return sent, false, errno
			}
			if n < len(rest) {
				return sent, false, nil
			}
		}
		n, err := v.seal(s, c)
		if n == 0 || err != nil {
			return sent, n == 0, err
		}
		sent += n
	}
}

// seal encrypts what is due at c, at most a step, moves c, and returns how much
// that was.
func (v *tlsWriter) seal(s socket, c *blocklog.Cursor) (int, error) {
	if v.plain == nil {
		v.plain = make([]byte, 0, sealStep)
		v.cipher = make([]byte, 0, sealStep+sealStep/8)
	}
	v.plain = v.plain[:0]
	for len(v.plain) < sealStep {
		p := c.Peek()
		if p == nil {
			break
		}
		p = p[:min(len(p), sealStep-len(v.plain))]
		v.plain = append(v.plain, p...)
		c.Advance(len(p))
	}
	if len(v.plain) == 0 {
		return 0, nil
	}
	s.wire.hold(v.cipher)
	n, err := s.seal.Write(v.plain)
	v.cipher = s.wire.out[:0] // it may have grown
	if err != nil {
		s.wire.out = nil // it is the shard's memory
	}
	return n, err
}
