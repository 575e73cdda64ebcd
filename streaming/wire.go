package streaming

import (
	"bytes"
	"net"
)

// CipherBuffer is a TCP connection beneath one that encrypts. Until a listener has it, it
// is just that; then what is encrypted is held back, and the shard sends it when
// the socket takes it. So whoever encrypts never waits.
type CipherBuffer struct {
	*net.TCPConn

	held bool
	out  []byte // encrypted, and not sent yet
	own  bool   // out is not the memory that was given to hold
}

// NewCipherBuffer returns the wire over c.
func NewCipherBuffer(c *net.TCPConn) *CipherBuffer { return &CipherBuffer{TCPConn: c} }

// Write implements net.Conn.
func (w *CipherBuffer) Write(p []byte) (int, error) {
	if !w.held {
		return w.TCPConn.Write(p)
	}
	w.out = append(w.out, p...)
	return len(p), nil
}

// hold makes Write collect from here on, in what is given as long as that has room.
func (w *CipherBuffer) hold(buf []byte) {
	w.held, w.own = true, false
	w.out = buf[:0]
}

// sent drops n bytes of what was collected and keeps the rest in memory of its own.
func (w *CipherBuffer) sent(n int) {
	switch {
	case n == len(w.out):
		w.out = nil
	case w.own:
		w.out = w.out[n:]
	default:
		w.out, w.own = bytes.Clone(w.out[n:]), true
	}
}

// unsent returns how many bytes are encrypted and not sent yet.
func (w *CipherBuffer) unsent() int {
	if w == nil {
		return 0
	}
	return len(w.out)
}
