package streaming

import (
	"syscall"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// recordSize is how much is encrypted at once, and so how much of it a socket that
// would block can leave in memory: one record of TLS.
const recordSize = 16 << 10

// tlsWriter encrypts what is due to listeners over TLS.
type tlsWriter struct {
	plain, cipher []byte // reused
}

// AttachTLS feeds the listener over c, which encrypts and writes to b, and returns at
// once, as Attach does.
func (l *Listener) AttachTLS(c TLSConn, b *CipherBuffer, head []byte) {
	l.attach(b.TCPConn, c, b, head)
}

// writeTLS is write for a socket beneath an encrypting connection.
func (v *vector) writeTLS(s socket, c *blocklog.Cursor) (sent int, caughtUp bool, err error) {
	for {
		if rest := s.cipher.pending; len(rest) > 0 {
			n, errno := sendBytes(s.fd, rest)
			s.cipher.drop(n)
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
		n, err := v.encrypt(s, c)
		if n == 0 || err != nil {
			return sent, n == 0, err
		}
		sent += n
	}
}

// encrypt encrypts what is due at c, at most a record, moves c, and returns how much that
// was.
func (v *tlsWriter) encrypt(s socket, c *blocklog.Cursor) (int, error) {
	if v.plain == nil {
		v.plain = make([]byte, 0, recordSize)
		v.cipher = make([]byte, 0, recordSize+recordSize/8)
	}
	v.plain = v.plain[:0]
	for len(v.plain) < recordSize {
		p := c.Peek()
		if p == nil {
			break
		}
		p = p[:min(len(p), recordSize-len(v.plain))]
		v.plain = append(v.plain, p...)
		c.Advance(len(p))
	}
	if len(v.plain) == 0 {
		return 0, nil
	}
	s.cipher.buffer(v.cipher)
	n, err := s.tls.Write(v.plain)
	v.cipher = s.cipher.pending[:0] // it may have grown
	if err != nil {
		s.cipher.pending = nil // it is the shard's memory
	}
	return n, err
}
