//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// players plays all listeners in the thread that calls it.
type players struct {
	epoll  int
	events []unix.EpollEvent
	buf    []byte
	now    int64 // of the clock, in nanoseconds, read once for some events
	nap    time.Duration
	quiet  bool // nobody is connecting, so there is time for naps

	ask       [][]byte      // requests, by mount
	sent      []*sentStream // what listeners are to hear, by mount
	port      int
	all       []*listener
	tls       *handshaker // nil for plain listeners
	plainPort int         // of every other listener beside TLS; 0: all are alike
	fault     error       // something that makes the whole run worthless

	sample int // one listener of so many checks, the others count; 0: all check

	first     histogram // from connect to the first sound
	delay     histogram // from source to listener, during the window
	measuring bool
	count     [dropped + 1]int // listeners in each phase
	lastFirst int64            // when the last one began to play
}

func newPlayers(port int, icy bool, sent []*sentStream, mounts []string) (*players, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	p := &players{
		epoll: epoll, port: port, sent: sent,
		events: make([]unix.EpollEvent, 1024),
		buf:    make([]byte, 256<<10),
	}
	for _, mount := range mounts {
		p.ask = append(p.ask, request(mount, port, icy))
	}
	return p, nil
}

// Close hangs up on the server.
func (p *players) Close() error {
	if p.tls != nil {
		p.tls.wait()
	}
	for _, l := range p.all {
		l.hangUp()
	}
	return unix.Close(p.epoll)
}

func (l *listener) hangUp() {
	if l.fd >= 0 {
		_ = unix.Close(l.fd)
		l.fd = -1
	}
}

// add begins to connect a listener. Mounts take turns.
func (p *players) add(stalls bool) {
	id := len(p.all)
	mount := id % len(p.ask)
	l := &listener{stalls: stalls, secure: p.tls != nil && (p.plainPort == 0 || id%2 == 0), counts: p.sample > 0 && id%p.sample > 0, began: time.Now().UnixNano(), check: checker{sent: p.sent[mount]}}
	p.all = append(p.all, l)
	p.count[connecting]++
	if l.secure {
		l.why = p.tls.dial(id, l, p.ask[mount])
	} else {
		l.fd, l.why = dial(id, cmp.Or(p.plainPort, p.port))
	}
	if l.why != nil {
		p.enter(l, refused)
		return
	}
	if l.secure {
		return // a worker goes on
	}
	if err := p.watch(id, l.fd); err != nil {
		p.end(l, err)
	}
}

// watch has events of a connection told once each, which spares the kernel to
// look again at all that were told before.
func (p *players) watch(id, fd int) error {
	const events = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&(1<<32-1)
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(id)}); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

func (p *players) enter(l *listener, to phase) {
	p.count[l.phase]--
	l.phase = to
	p.count[to]++
}

func (p *players) end(l *listener, why error) {
	l.why = why
	l.hangUp()
	if l.phase == playing {
		p.enter(l, dropped)
	} else {
		p.enter(l, refused)
	}
}

// play plays for so long, or until something is so.
func (p *players) play(ctx context.Context, d time.Duration, until func() bool) error {
	end := time.Now().Add(d)
	for {
		left := time.Until(end)
		if left <= 0 || until != nil && until() {
			return p.fault
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p.turn(min(left, 10*time.Millisecond))
	}
}

// turn takes what has come. It waits for something to come, but not with epoll
// alone: a thread that is woken at once makes the server pay for it, so a nap
// between turns lets some come together.
func (p *players) turn(wait time.Duration) {
	if p.tls != nil {
		p.takeFailures()
	}
	if nap := min(p.nap, wait); p.quiet && nap > 0 {
		_ = unix.Nanosleep(&unix.Timespec{Nsec: int64(nap)}, nil)
		wait = 0
	}
	n, err := unix.EpollWait(p.epoll, p.events, int((wait+time.Millisecond-1)/time.Millisecond))
	if err != nil && !errors.Is(err, unix.EINTR) {
		p.fault = fmt.Errorf("epoll_wait: %w", err)
	}
	for i := range max(n, 0) {
		if i%16 == 0 {
			p.now = time.Now().UnixNano()
		}
		p.event(int(p.events[i].Fd), p.events[i].Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0)
	}
}

// event goes on with a listener. If its connection has ended, there is the end to
// be read behind what has come.
func (p *players) event(id int, ended bool) {
	l := p.all[id]
	switch {
	case l.fd < 0:
	case l.phase == connecting && !l.secure:
		if err := p.request(id, l); err != nil {
			p.end(l, err)
		}
	default:
		if l.phase == connecting {
			p.enter(l, asking) // by a worker
		}
		p.read(l, ended)
	}
}

// request asks for the mount as soon as the connection is there.
func (p *players) request(id int, l *listener) error {
	code, err := unix.GetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if _, err := unix.Write(l.fd, p.ask[id%len(p.ask)]); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	p.enter(l, asking)
	return nil
}

// read takes all that there is: what does not fill the buffer was all, except that
// a tls.Conn stops after each record.
func (p *players) read(l *listener, ended bool) {
	for {
		n, err := p.hear(l)
		switch {
		case errors.Is(err, errAgain):
			return
		case err != nil:
			p.end(l, err)
			return
		case l.stalls && l.phase == playing:
			_ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, l.fd, nil)
			return
		case n < len(p.buf) && !ended && l.stream.Load() == nil:
			return
		}
	}
}

// hear takes what there is to read, or a part of it.
func (p *players) hear(l *listener) (int, error) {
	if l.counts && l.check.inStep {
		n, err := discard(l.fd, len(p.buf))
		p.heard(l, func() { l.check.advance(n) })
		return n, err
	}
	n, err := l.read(p.buf)
	if n > 0 && err == nil {
		err = p.take(l, p.buf[:n])
	}
	return n, err
}

func (p *players) take(l *listener, b []byte) error {
	if l.phase == asking {
		rest, err := l.takeHead(b)
		if err != nil || l.phase == asking {
			return err
		}
		p.count[asking]--
		p.count[answered]++
		b = rest
	}
	for len(b) > 0 {
		var sound []byte
		if sound, b = l.icy.next(b); len(sound) > 0 {
			p.sound(l, sound)
		}
	}
	return nil
}

// sound checks the sound. Frames that were made before the listener came are of
// its burst and tell nothing of the delay.
func (p *players) sound(l *listener, b []byte) {
	if l.phase == answered {
		p.enter(l, playing)
		l.joined = p.now
		p.lastFirst = p.now
		p.first.add(time.Duration(p.now - l.began))
	}
	p.heard(l, func() { l.check.take(b) })
}

// heard notes how long the frames were under way that take finishes.
func (p *players) heard(l *listener, take func()) {
	from := l.check.next()
	take()
	if !p.measuring || !l.check.inStep {
		return
	}
	for n := from; n < l.check.next(); n++ {
		if made := l.check.sent.made(n); made > l.joined {
			p.delay.add(time.Duration(p.now - made))
		}
	}
}
