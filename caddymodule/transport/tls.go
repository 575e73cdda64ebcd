package transport

import (
	"bytes"
	"crypto/tls"
	"net"
	"reflect"
	"time"
	"unsafe"

	"github.com/caddycast/caddycast/streaming"
)

// TLS returns the TLS connection that conn is, and the cipher buffer beneath it. It reports
// false for a connection that did not come through our listener wrapper.
func TLS(conn net.Conn) (*tls.Conn, *streaming.CipherBuffer, bool) {
	c, ok := conn.(*tls.Conn)
	if !ok {
		return nil, nil, false
	}
	under := c.NetConn()
	for inner, ok := Unwrap(under); ok; inner, ok = Unwrap(under) {
		under = inner
	}
	b, ok := under.(*streaming.CipherBuffer)
	return c, b, ok
}

// TLSWriter is the writing half of a TLS connection. It has no Read: the state for reading
// is gone, and a Read would take ciphertext for plaintext.
type TLSWriter struct{ conn *tls.Conn }

// NewTLSWriter takes over c, whose handshake is complete. It frees the memory that crypto/tls
// keeps for reading, so that nothing may read from c any more.
func NewTLSWriter(c *tls.Conn) *TLSWriter {
	releaseReadBuffers(c)
	return &TLSWriter{c}
}

// Write encrypts and writes p.
func (w *TLSWriter) Write(p []byte) (int, error) { return w.conn.Write(p) }

// CloseWrite ends the stream of the client.
func (w *TLSWriter) CloseWrite() error { return w.conn.CloseWrite() }

// SetWriteDeadline bounds the writes to come.
func (w *TLSWriter) SetWriteDeadline(t time.Time) error { return w.conn.SetWriteDeadline(t) }

// NetConn returns the connection that carries the ciphertext.
func (w *TLSWriter) NetConn() net.Conn { return w.conn.NetConn() }

// Close closes the connection.
func (w *TLSWriter) Close() error { return w.conn.Close() }

// The fields of a tls.Conn that are only for reading: the client's hello in two buffers,
// 3.5 KiB, and a cipher of 0.9 KiB. They are more than half of the memory of a listener over
// TLS, and no function frees them. Fields that a version of Go does not have are skipped.
var (
	buffers = fields[bytes.Buffer]([]string{"rawInput"}, []string{"hand"})
	ciphers = fields[any]([]string{"in", "cipher"})
)

// fields returns the offsets within a tls.Conn of fields of type T.
func fields[T any](paths ...[]string) (offsets []uintptr) {
	for _, path := range paths {
		typ, offset := reflect.TypeFor[tls.Conn](), uintptr(0)
		for _, name := range path {
			f, _ := typ.FieldByName(name) // a missing field has no type
			if typ, offset = f.Type, offset+f.Offset; typ == nil || typ.Kind() != reflect.Struct {
				break
			}
		}
		if typ == reflect.TypeFor[T]() {
			offsets = append(offsets, offset)
		}
	}
	return offsets
}

// releaseReadBuffers frees what c keeps for reading.
func releaseReadBuffers(c *tls.Conn) {
	for _, offset := range buffers {
		*(*bytes.Buffer)(unsafe.Add(unsafe.Pointer(c), offset)) = bytes.Buffer{}
	}
	for _, offset := range ciphers {
		*(*any)(unsafe.Add(unsafe.Pointer(c), offset)) = nil
	}
}

// Interface guard
var _ streaming.TLSConn = (*TLSWriter)(nil)
