package listenerwrapper

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"reflect"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/caddycast/caddycast/caddymodule/socket"
	"github.com/caddycast/caddycast/streaming"
)

// fullInterval is the least time between two log lines about a lack of file descriptors.
const fullInterval = 10 * time.Second

// tlsListener is the type of a listener with TLS. Caddy puts TLS before all listener_wrappers if
// tls is not among them.
var tlsListener = reflect.TypeOf(tls.NewListener(nil, nil))

// WrapListener implements caddy.ListenerWrapper.
func (w *ListenerWrapper) WrapListener(ln net.Listener) net.Listener {
	ln = socket.Keep(ln, w.keepAlive)
	if kept, ok := ln.(*socket.Listener); ok {
		w.listeners = append(w.listeners, kept)
	}
	wrapped := &sniffingListener{Listener: ln, wrapper: w, full: rate.Sometimes{Interval: fullInterval}}
	if reflect.TypeOf(ln) == tlsListener {
		wrapped.warn()
	}
	return wrapped
}

// sniffingListener accepts connections as sniffers. It does not read from them: a silent peer
// would delay all others.
type sniffingListener struct {
	net.Listener
	wrapper *ListenerWrapper
	warned  sync.Once
	full    rate.Sometimes // logs that no file descriptor is left; the server tries again up to 200 times a second
}

// Accept implements net.Listener.
func (ln *sniffingListener) Accept() (net.Conn, error) {
	conn, err := ln.Listener.Accept()
	if err != nil {
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			ln.full.Do(func() {
				ln.wrapper.log.Error("too many open files; new connections wait", zap.Error(err))
			})
		}
		return nil, err
	}
	var ahead []byte
	switch c := conn.(type) {
	case *net.TCPConn:
		conn = streaming.NewCipherBuffer(c)
	case *socket.Passed:
		conn, ahead = streaming.NewCipherBuffer(c.TCPConn), c.Ahead
	case *tls.Conn:
		ln.warn()
		return conn, nil
	}
	return ln.sniff(conn, ahead), nil
}

// sniff makes a newcomer of a connection of which some bytes were read ahead.
func (ln *sniffingListener) sniff(conn net.Conn, ahead []byte) *sniffer {
	c := &sniffer{Conn: conn, host: ln.wrapper, ahead: ahead, opening: bytes.Clone(ahead)}
	c.from, _ = ln.Listener.(*socket.Listener)
	c.isNew.Store(true)
	c.host.newcomers.enter(c)
	return c
}

// warn logs once that the wrapper is behind TLS.
func (ln *sniffingListener) warn() {
	ln.warned.Do(func() {
		ln.wrapper.log.Warn("the listener wrapper icecast does nothing behind tls; write icecast, then tls, in listener_wrappers",
			zap.Stringer("address", ln.Addr()))
	})
}
