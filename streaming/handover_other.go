//go:build !linux

package streaming

import (
	"errors"
	"net"
	"os"
)

// Streams are handed over on Linux only, and a listener has no socket elsewhere.

func (socket) isPlain() bool { return false }

func (socket) file() (*os.File, error) { return nil, errors.ErrUnsupported }

func (socket) release() {}

func (socket) blocking() Conn { return nil }

func awaitBytes(net.Conn) bool { return true }

func (l *Listener) adopt(net.Conn) error { return errors.ErrUnsupported }
