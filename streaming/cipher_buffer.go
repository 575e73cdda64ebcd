package streaming

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// CipherBuffer is a TCP connection beneath one that encrypts. Until a listener has it, it
// is just that. Then what is encrypted is held back, and the shard sends it when the
// socket takes it, so the encrypting side never waits.
type CipherBuffer struct {
	*net.TCPConn

	buffering   bool
	pending     []byte // encrypted, and not sent yet
	ownsPending bool   // pending is not the memory that was given to buffer

	mu       sync.Mutex
	gathered *[]byte // by Gather; nil: nothing is
}

// TLSConn is the encrypting connection over a CipherBuffer, such as *tls.Conn. It has no
// Read: buffers for reading may have been taken from the connection.
type TLSConn interface {
	io.Writer
	CloseWrite() error
	SetWriteDeadline(t time.Time) error
	NetConn() net.Conn
	Close() error
}

// NewCipherBuffer returns a buffer over c.
func NewCipherBuffer(c *net.TCPConn) *CipherBuffer { return &CipherBuffer{TCPConn: c} }

// Write implements net.Conn.
func (b *CipherBuffer) Write(p []byte) (int, error) {
	if b.buffering {
		b.pending = append(b.pending, p...)
		return len(p), nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gathered == nil {
		return b.TCPConn.Write(p)
	}
	if *b.gathered = append(*b.gathered, p...); len(*b.gathered) >= gatheredSize {
		return len(p), b.sendGathered()
	}
	return len(p), nil
}

// buffer makes Write collect from here on, in buf as long as that has room.
func (b *CipherBuffer) buffer(buf []byte) {
	b.buffering, b.ownsPending = true, false
	b.pending = buf[:0]
}

// drop drops n bytes that were sent, and keeps the rest in memory of its own.
func (b *CipherBuffer) drop(n int) {
	switch {
	case n == len(b.pending):
		b.pending = nil
	case b.ownsPending:
		b.pending = b.pending[n:]
	default:
		b.pending, b.ownsPending = bytes.Clone(b.pending[n:]), true
	}
}

// unsent returns how many bytes are encrypted and not sent yet.
func (b *CipherBuffer) unsent() int {
	if b == nil {
		return 0
	}
	return len(b.pending)
}
