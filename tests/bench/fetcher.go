//go:build linux

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// fetcher loads files of a server, one after the other, over one connection. It knows as much of HTTP as
// that takes, so that ten thousand of them fit beside the server.
type fetcher struct {
	conn    *tls.Conn
	version int // of HTTP
	host    string

	r      *bufio.Reader
	buf    []byte // what is sent
	stream uint32 // of HTTP/2
}

// newFetcher connects to a port of this machine, from an address that has few other connections.
func newFetcher(ctx context.Context, id, port, version int, config *tls.Config) (*fetcher, error) {
	dialer := &net.Dialer{
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, byte(1+id>>14), byte(id>>6), 1)},
		Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, segment)
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
				_ = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
			})
		},
	}
	host := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	conn, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	f := &fetcher{conn: tls.Client(conn, config), version: version, host: net.JoinHostPort("localhost", strconv.Itoa(port))}
	f.r = bufio.NewReaderSize(f.conn, 1024) // bodies go past it
	if err := f.conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	if version == 2 {
		if err := f.greet(); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	return f, nil
}

// Close hangs up.
func (f *fetcher) Close() error { return f.conn.NetConn().Close() }

// get loads a file, and hands its bytes to take.
func (f *fetcher) get(path string, scratch []byte, take func([]byte)) error {
	if f.version == 2 {
		return f.get2(path, scratch, take)
	}
	f.buf = append(f.buf[:0], "GET "+path+" HTTP/1.1\r\nHost: "+f.host+"\r\nUser-Agent: caddycast-bench\r\nAccept: */*\r\n\r\n"...)
	if _, err := f.conn.Write(f.buf); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	head, err := http.ReadResponse(f.r, nil) //nolint:bodyclose // the body is read below, past it
	if err != nil {
		return fmt.Errorf("the answer to %s: %w", path, err)
	}
	if head.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is answered %s", path, head.Status)
	}
	if head.ContentLength < 0 {
		return errors.New("an answer has no length")
	}
	return f.body(int(head.ContentLength), scratch, take)
}

// body reads so many bytes.
func (f *fetcher) body(left int, scratch []byte, take func([]byte)) error {
	for left > 0 {
		n, err := f.r.Read(scratch[:min(left, len(scratch))])
		take(scratch[:n])
		if left -= n; err != nil {
			return fmt.Errorf("a body: %w", err)
		}
	}
	return nil
}

// Of HTTP/2 (RFC 9113, section 4.1): each frame has a head of 9 bytes, its length in 24 bits, its type, flags,
// and the stream.
const (
	frameHead = 9

	frameData, frameHeaders, frameReset, frameSettings, framePing, frameAway, frameWindow = 0, 1, 3, 4, 6, 7, 8

	flagEnd, flagAck, flagWholeHeaders = 1, 1, 4
)

func appendFrame(b []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

// greet begins HTTP/2, with windows that are never full.
func (f *fetcher) greet() error {
	const window = 1<<31 - 1
	const tableSize, initialWindow = 1, 4 // SETTINGS_HEADER_TABLE_SIZE, SETTINGS_INITIAL_WINDOW_SIZE
	settings := binary.BigEndian.AppendUint32([]byte{0, tableSize, 0, 0, 0, 0, 0, initialWindow}, window)
	b := appendFrame([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frameSettings, 0, 0, settings)
	b = appendFrame(b, frameWindow, 0, 0, binary.BigEndian.AppendUint32(nil, window-65535))
	f.stream = 1
	_, err := f.conn.Write(b)
	return err
}

// get2 is get by HTTP/2.
func (f *fetcher) get2(path string, scratch []byte, take func([]byte)) error {
	block := appendString([]byte{0x82, 0x87, 0x04}, path) // GET, https, and a path that is not to be remembered (RFC 7541)
	block = appendString(append(block, 0x01), f.host)     // :authority
	stream := f.stream
	f.stream += 2
	f.buf = appendFrame(f.buf[:0], frameHeaders, flagEnd|flagWholeHeaders, stream, block)
	if _, err := f.conn.Write(f.buf); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	var head [frameHead]byte
	for {
		if _, err := io.ReadFull(f.r, head[:]); err != nil {
			return fmt.Errorf("a frame: %w", err)
		}
		length, kind, flags := int(head[0])<<16|int(head[1])<<8|int(head[2]), head[3], head[4]
		of := binary.BigEndian.Uint32(head[5:])
		if kind == frameData && of == stream {
			if err := f.body(length, scratch, take); err != nil {
				return err
			}
		} else if err := f.control(kind, flags, path, length, scratch); err != nil {
			return err
		}
		if of == stream && kind <= frameHeaders && flags&flagEnd != 0 {
			return nil
		}
	}
}

// control takes a frame that is not of the body.
func (f *fetcher) control(kind, flags byte, path string, length int, scratch []byte) error {
	if length > len(scratch) {
		return fmt.Errorf("a frame of %d bytes", length)
	}
	payload := scratch[:length]
	if _, err := io.ReadFull(f.r, payload); err != nil {
		return fmt.Errorf("a frame: %w", err)
	}
	switch {
	case kind == frameReset, kind == frameAway:
		return fmt.Errorf("HTTP/2: %s ended with a frame of type %d", path, kind)
	case kind == frameSettings && flags&flagAck == 0:
		_, err := f.conn.Write(appendFrame(nil, frameSettings, flagAck, 0, nil))
		return err
	case kind == framePing && flags&flagAck == 0:
		_, err := f.conn.Write(appendFrame(nil, framePing, flagAck, 0, payload))
		return err
	case kind == frameHeaders:
		if !wasOK(payload) {
			return fmt.Errorf("%s is not answered 200, but %.20q", path, payload)
		}
	}
	return nil
}

// wasOK reports whether the fields of an answer begin with ":status: 200", by its index in the static table. A
// server that may remember no fields says so before that, at first.
func wasOK(block []byte) bool {
	for len(block) > 0 && block[0]>>5 == 1 { // a table of a size below 31
		block = block[1:]
	}
	return len(block) > 0 && block[0] == 0x88
}

// appendString appends a string of less than 127 bytes as it is (RFC 7541, section 5.2).
func appendString(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }
