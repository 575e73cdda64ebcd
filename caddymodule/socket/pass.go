package socket

import (
	"net"
	"time"
)

// Passed is a connection that an earlier configuration, or an earlier process, has accepted and has passed on.
type Passed struct {
	*net.TCPConn
	Ahead []byte // was read already
}

// Successor passes a connection of an address on to the process that takes this one's place. It reports
// false if it could not. The connection is closed here in either case.
type Successor func(address string, c *Passed) bool

// SetSuccessor sets who gets the connections that no configuration of this process is there for.
func SetSuccessor(s Successor) {
	kept.mu.Lock()
	defer kept.mu.Unlock()
	kept.successor = s
}

// Give gives a connection of an address to the listener of the configuration in force. It reports false if
// there is none.
func Give(address string, c *Passed) bool {
	for to, _ := current(address); to != nil; to, _ = current(address) {
		if to.take(c) {
			return true
		}
	}
	return false
}

// Pause lets nothing be accepted in this process until resume is called: what comes waits in the sockets,
// for this process or another one.
func Pause() (resume func()) {
	running := make(chan struct{})
	kept.mu.Lock()
	defer kept.mu.Unlock()
	kept.running = running
	for _, s := range kept.all {
		if s.current != nil {
			s.current.pause(running)
		}
	}
	return func() {
		kept.mu.Lock()
		defer kept.mu.Unlock()
		if kept.running == running {
			close(running)
		}
	}
}

// closed returns a closed channel.
func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// pause lets the listener accept nothing until a channel is closed.
func (l *Listener) pause(running chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = running
	_ = l.SetDeadline(wake)
}

// Pass gives a connection to the listener of the configuration in force, or to the process that has taken
// this one's place. It reports false if there is neither.
func (l *Listener) Pass(c *Passed) bool {
	if Give(l.name, c) {
		return true
	}
	_, successor := current(l.name)
	return successor != nil && successor(l.name, c)
}

// current returns the listener of the configuration in force at an address; nil: there is none. It may
// have been closed since.
func current(name string) (*Listener, Successor) {
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if s := kept.all[name]; s != nil {
		return s.current, kept.successor
	}
	return nil, kept.successor
}

// take gives the listener a connection to accept. It reports false if the listener is closed.
func (l *Listener) take(c *Passed) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.passed = append(l.passed, c)
	_ = l.SetDeadline(wake)
	return true
}

// nextPassed returns the next connection that was passed on. If there is none, what comes to the socket is
// accepted once running is closed.
func (l *Listener) nextPassed() (c *Passed, running <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.passed) == 0 {
		_ = l.SetDeadline(time.Time{})
		return nil, l.running
	}
	c = l.passed[0]
	l.passed = l.passed[1:]
	return c, nil
}

// endPassed passes the connections on that this listener was given and that nobody has accepted.
func (l *Listener) endPassed() {
	l.mu.Lock()
	left := l.passed
	l.passed, l.closed = nil, true
	close(l.ended)
	l.mu.Unlock()
	for _, c := range left {
		if !l.Pass(c) {
			_ = c.Close()
		}
	}
}
