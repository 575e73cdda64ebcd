//go:build !linux

package handover

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"time"
)

// Link is one end of the link. There is none on this system.
type Link struct{}

// Pair fails.
func Pair() (local net.Conn, remote *os.File, err error) { return nil, nil, errors.ErrUnsupported }

// Start fails.
func Start(*exec.Cmd) (*Link, error) { return nil, errors.ErrUnsupported }

// Predecessor returns nil.
func Predecessor() *Link { return nil }

// Send fails.
func (*Link) Send(Message, *os.File) error { return errors.ErrUnsupported }

// Receive fails.
func (*Link) Receive(time.Duration) (Message, *os.File, error) {
	return Message{}, nil, errors.ErrUnsupported
}

// Listening returns nil.
func (*Link) Listening(string) *net.TCPListener { return nil }

// Took does nothing.
func (*Link) Took() {}

// Close does nothing.
func (*Link) Close() error { return nil }
