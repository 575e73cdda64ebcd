package caddymodule

import (
	"crypto/tls"
	"net"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/streaming"
)

func init() {
	caddy.RegisterModule(new(ListenerWrapper))
}

// ListenerWrapper stands between a socket and TLS, where listeners over TLS and
// HTTP/1 come in: they are then served as cheaply as plain ones, without a
// goroutine each. In `listener_wrappers` it is put before `tls`. All other
// connections pass through it unchanged.
type ListenerWrapper struct {
	log *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (*ListenerWrapper) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.listeners.icecast",
		New: func() caddy.Module { return new(ListenerWrapper) },
	}
}

// Provision gets the logger.
func (w *ListenerWrapper) Provision(ctx caddy.Context) error {
	w.log = ctx.Logger()
	return nil
}

// WrapListener implements caddy.ListenerWrapper.
func (w *ListenerWrapper) WrapListener(ln net.Listener) net.Listener {
	return &wireListener{Listener: ln, log: w.log}
}

// UnmarshalCaddyfile reads the wrapper's words: there are none.
//
//	listener_wrappers {
//		icecast
//		tls
//	}
func (*ListenerWrapper) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	if d.NextBlock(d.Nesting()) {
		return d.Errf("the listener wrapper icecast takes no options, but here is %q", d.Val())
	}
	return nil
}

// wireListener accepts wires.
type wireListener struct {
	net.Listener
	log    *zap.Logger
	warned sync.Once
}

// Accept implements net.Listener.
func (ln *wireListener) Accept() (net.Conn, error) {
	conn, err := ln.Listener.Accept()
	switch c := conn.(type) {
	case *net.TCPConn:
		return streaming.NewWire(c), err
	case *tls.Conn:
		ln.warned.Do(func() {
			ln.log.Warn("the listener wrapper icecast does nothing behind tls; put it before tls in listener_wrappers")
		})
	}
	return conn, err
}

// Interface guards
var (
	_ caddy.Provisioner     = (*ListenerWrapper)(nil)
	_ caddy.ListenerWrapper = (*ListenerWrapper)(nil)
	_ caddyfile.Unmarshaler = (*ListenerWrapper)(nil)
)
