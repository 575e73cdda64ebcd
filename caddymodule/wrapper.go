package caddymodule

import (
	"net"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/streaming"
)

func init() {
	caddy.RegisterModule(new(ListenerWrapper))
}

// ListenerWrapper stands between a socket and TLS, where listeners over TLS and
// HTTP/1 come in: they are then served as cheaply as plain ones, without a
// goroutine each. In `listener_wrappers` it is put before `tls`. All other
// connections pass through it unchanged.
type ListenerWrapper struct{}

// CaddyModule returns the Caddy module information.
func (*ListenerWrapper) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.listeners.icecast",
		New: func() caddy.Module { return new(ListenerWrapper) },
	}
}

// WrapListener implements caddy.ListenerWrapper.
func (*ListenerWrapper) WrapListener(ln net.Listener) net.Listener { return wireListener{ln} }

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
type wireListener struct{ net.Listener }

// Accept implements net.Listener.
func (ln wireListener) Accept() (net.Conn, error) {
	conn, err := ln.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		return streaming.NewWire(tcp), err
	}
	return conn, err
}

// Interface guards
var (
	_ caddy.ListenerWrapper = (*ListenerWrapper)(nil)
	_ caddyfile.Unmarshaler = (*ListenerWrapper)(nil)
)
