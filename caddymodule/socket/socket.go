package socket

import (
	"errors"
	"net"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/caddycast/caddycast/caddymodule/handover"
)

// kept has the sockets of this process, by address.
var kept = struct {
	mu  sync.Mutex
	all map[string]*shared

	running   chan struct{} // closed unless this process pauses
	successor Successor     // nil: there is none
}{all: make(map[string]*shared), running: closed()}

// shared is a socket with several descriptors.
type shared struct {
	*net.TCPListener // a descriptor for further ones; nobody accepts from it

	// mu of kept guards the rest.
	users   int       // configurations
	current *Listener // of the configuration in force; nil: none is
}

// Listener accepts from a kept socket for one configuration.
type Listener struct {
	*net.TCPListener
	name      string       // in kept
	caddys    net.Listener // what Caddy opened, and counts until it is closed
	keepAlive net.KeepAliveConfig
	opened    func()        // closes open, once
	open      chan struct{} // closed when this configuration is in force, or is closed
	closing   sync.Once
	left      bool // closed; guarded by mu of kept

	mu      sync.Mutex
	passed  []*Passed // to be accepted
	closed  bool
	ended   chan struct{} // closed with closed
	running chan struct{} // nothing is accepted until it is closed
}

// defaultKeepAlive is what Go sets for each connection that a duplicate accepts.
var defaultKeepAlive = net.KeepAliveConfig{Enable: true}

// wake is a deadline that ends an Accept at once.
var wake = time.Unix(1, 0)

// Keep returns a listener that accepts from the kept socket of the address that ln listens at,
// and closes the socket of ln. The first ln of an address gives its socket. keepAlive is for
// connections, since the socket may have the settings of an earlier configuration. A further
// listener accepts nothing before Open is called. If the socket can't be kept, Keep returns ln.
func Keep(ln net.Listener, keepAlive net.KeepAliveConfig) net.Listener {
	raw := tcpListener(ln)
	if raw == nil {
		return ln
	}
	kept.mu.Lock()
	defer kept.mu.Unlock()
	name := raw.Addr().String()
	s, ok := kept.all[name]
	inherited := false
	if !ok {
		if s = inherit(name); s != nil {
			inherited = true
		} else if s = share(raw); s == nil {
			return ln
		}
		kept.all[name] = s
	}
	own, err := duplicate(s.TCPListener)
	if err != nil {
		s.closeUnused(name)
		return ln
	}
	l := &Listener{TCPListener: own, name: name, caddys: ln, keepAlive: keepAlive, open: make(chan struct{}), ended: make(chan struct{}), running: kept.running}
	l.opened = sync.OnceFunc(func() { close(l.open) })
	if s.users++; s.users == 1 && !inherited {
		s.current = l
		l.opened()
	}
	_ = raw.Close()
	return l
}

// inherit returns the socket at an address of the process whose place this one takes; nil: there is
// none.
func inherit(name string) *shared {
	predecessor := handover.Predecessor()
	if predecessor == nil {
		return nil
	}
	if ln := predecessor.Listening(name); ln != nil {
		return &shared{TCPListener: ln}
	}
	return nil
}

// File returns a descriptor of the kept socket at an address, for the process that takes this one's
// place; nil: there is none.
func File(name string) *os.File {
	kept.mu.Lock()
	defer kept.mu.Unlock()
	s, ok := kept.all[name]
	if !ok {
		return nil
	}
	file, err := s.File()
	if err != nil {
		return nil
	}
	return file
}

// share makes a socket one that can be kept; nil: it can't.
func share(raw *net.TCPListener) *shared {
	address, ok := raw.Addr().(*net.TCPAddr)
	if !ok {
		return nil
	}
	if OwnerOf(address) != nil { // and that is allowed
		_ = steerToAll(address.String())
		return nil
	}
	if steerToFirst(address.String()) != nil {
		return nil
	}
	ln, err := duplicate(raw)
	if err != nil {
		return nil
	}
	return &shared{TCPListener: ln}
}

// closeUnused closes a socket that no configuration uses. mu of kept is held.
func (s *shared) closeUnused(name string) {
	if s.users == 0 {
		_ = s.Close()
		delete(kept.all, name)
	}
}

// Open says that the configuration is in force. Before that it may be rejected, and a connection
// that it has accepted would be lost.
func (l *Listener) Open() {
	kept.mu.Lock()
	if s := kept.all[l.name]; s != nil && !l.left {
		s.current = l
	}
	kept.mu.Unlock()
	l.opened()
}

// Accept implements net.Listener. A connection is a *net.TCPConn or a *Passed.
func (l *Listener) Accept() (net.Conn, error) {
	<-l.open
	for {
		c, running := l.nextPassed()
		if c != nil {
			return c, nil
		}
		select {
		case <-running:
		case <-l.ended:
		}
		conn, err := l.AcceptTCP()
		if err == nil {
			if l.keepAlive != defaultKeepAlive {
				_ = conn.SetKeepAliveConfig(l.keepAlive) // of a connection that may be gone already
			}
			return conn, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, err
		}
	}
}

// Close implements net.Listener. The last one of an address closes the socket. A further call does
// nothing: both the server and whoever retires its configuration close the listener.
func (l *Listener) Close() (err error) {
	l.closing.Do(func() {
		err = l.leave()
		l.opened()
		l.endPassed()
	})
	return err
}

// leave closes the listener's descriptor, and gives its place up.
func (l *Listener) leave() error {
	kept.mu.Lock()
	defer kept.mu.Unlock()
	l.left = true
	err := l.TCPListener.Close()
	_ = l.caddys.Close() // its socket is closed, but Caddy still counts it
	s := kept.all[l.name]
	if s.current == l {
		s.current = nil
	}
	s.users--
	s.closeUnused(l.name)
	return err
}

// tcpListener returns the socket beneath a listener of Caddy, which wraps it in a struct of its
// own; nil: there is none.
func tcpListener(ln net.Listener) *net.TCPListener {
	if raw, ok := ln.(*net.TCPListener); ok {
		return raw
	}
	v := reflect.ValueOf(ln)
	if v.Kind() != reflect.Struct {
		return nil
	}
	if field := v.FieldByName("Listener"); field.IsValid() && field.CanInterface() {
		raw, _ := field.Interface().(*net.TCPListener)
		return raw
	}
	return nil
}

// duplicate returns a listener with another descriptor of the same socket.
func duplicate(ln *net.TCPListener) (*net.TCPListener, error) {
	file, err := ln.File()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	other, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	return other.(*net.TCPListener), nil
}
