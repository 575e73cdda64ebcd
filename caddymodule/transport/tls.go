package transport

import (
	"bytes"
	"crypto/tls"
	"net"
	"reflect"
	"unsafe"

	"github.com/caddycast/caddycast/streaming"
)

// TLS returns the TLS connection that conn is, and the wire beneath it, if it
// came through our listener wrapper.
func TLS(conn net.Conn) (*tls.Conn, *streaming.CipherBuffer, bool) {
	c, ok := conn.(*tls.Conn)
	if !ok {
		return nil, nil, false
	}
	under := c.NetConn()
	for {
		inner, ok := Unwrap(under)
		if !ok {
			break
		}
		under = inner
	}
	w, ok := under.(*streaming.CipherBuffer)
	return c, w, ok
}

// What crypto/tls keeps for reading, for as long as the connection lives: the
// client's hello in two buffers, 3.5 KiB, and a cipher of 0.9 KiB. That is more
// than half of what a listener over TLS costs, and no function gives it back.
// Where a version of Go has no such fields, they are left alone.
var (
	buffers = fields[bytes.Buffer]([]string{"rawInput"}, []string{"hand"})
	ciphers = fields[any]([]string{"in", "cipher"})
)

// fields returns the offsets within a tls.Conn of fields of type T.
func fields[T any](paths ...[]string) (offsets []uintptr) {
	for _, path := range paths {
		typ, offset := reflect.TypeFor[tls.Conn](), uintptr(0)
		for _, name := range path {
			f, _ := typ.FieldByName(name) // an unknown one has no type
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

// ReleaseReadBuffers drops what c keeps for reading. It must never be read from again.
func ReleaseReadBuffers(c *tls.Conn) {
	for _, offset := range buffers {
		*(*bytes.Buffer)(unsafe.Add(unsafe.Pointer(c), offset)) = bytes.Buffer{}
	}
	for _, offset := range ciphers {
		*(*any)(unsafe.Add(unsafe.Pointer(c), offset)) = nil
	}
}
