//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	handshakes        = 64 // at a time
	handshakePatience = 15 * time.Second
)

// handshaker connects TLS listeners. A handshake can't be interrupted as reading
// can, so workers do it; then the listener belongs to the thread that plays.
type handshaker struct {
	config  *tls.Config
	players *players
	http    int // version; 0 means 1

	jobs    chan handshakeJob
	failed  chan handshakeJob
	stop    atomic.Bool
	workers sync.WaitGroup

	alive   context.Context // of the bridges
	end     context.CancelFunc
	bridges sync.WaitGroup
}

type handshakeJob struct {
	id  int
	l   *listener
	ask []byte
	far int // other end of the listener's pair of sockets, of a bridge
	err error
}

// newHandshaker starts workers, which wait ends. There may be no more than n
// listeners, of a version of HTTP.
func newHandshaker(p *players, trust *x509.CertPool, n, version int) *handshaker {
	h := &handshaker{
		http: version,
		config: &tls.Config{
			RootCAs: trust, ServerName: "localhost", MinVersion: tls.VersionTLS13,
			NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true,
		},
		players: p,
		jobs:    make(chan handshakeJob, n),
		failed:  make(chan handshakeJob, n),
	}
	h.alive, h.end = context.WithCancel(context.Background())
	for range min(handshakes, n) {
		h.workers.Go(h.work)
	}
	return h
}

// dial begins to connect a listener.
func (h *handshaker) dial(id int, l *listener, ask []byte) (err error) {
	job := handshakeJob{id: id, l: l, ask: ask}
	if h.http > 1 {
		l.fd, job.far, err = socketPair()
	} else {
		l.fd, err = dial(id, h.players.port)
	}
	if err == nil {
		h.jobs <- job
	}
	return err
}

// wait ends the workers, and the bridges.
func (h *handshaker) wait() {
	h.stop.Store(true)
	close(h.jobs)
	h.workers.Wait()
	h.end()
	h.bridges.Wait()
}

func (h *handshaker) work() {
	for job := range h.jobs {
		if h.stop.Load() {
			continue
		}
		connect := h.connect
		if h.http > 1 {
			connect = h.bridge
		}
		if job.err = connect(job); job.err != nil {
			h.failed <- job
		}
	}
}

func (h *handshaker) connect(job handshakeJob) error {
	conn := &socket{fd: job.l.fd, deadline: time.Now().Add(handshakePatience)}
	if err := conn.wait(unix.POLLOUT); err != nil {
		return err
	}
	stream := tls.Client(conn, h.config)
	if err := stream.Handshake(); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	if _, err := stream.Write(job.ask); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	conn.deadline = time.Time{}
	job.l.stream.Store(stream)
	return h.players.watch(job.id, job.l.fd)
}

// takeFailures ends the listeners with whom no handshake came about.
func (p *players) takeFailures() {
	for len(p.tls.failed) > 0 {
		job := <-p.tls.failed
		p.end(job.l, job.err)
	}
}

// socket is a net.Conn over a descriptor that does not block. As long as it has a
// deadline it waits, and then it answers errAgain.
type socket struct {
	net.Conn // nil: TLS needs no more than what is below
	fd       int
	deadline time.Time
}

func (s *socket) wait(events int16) error {
	left := time.Until(s.deadline)
	if left <= 0 {
		return os.ErrDeadlineExceeded
	}
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: events}}, int(left/time.Millisecond)+1)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("poll: %w", err)
	}
	if n == 0 && err == nil {
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (s *socket) Read(p []byte) (int, error) {
	for {
		n, err := receive(s.fd, p)
		if !errors.Is(err, errAgain) || s.deadline.IsZero() {
			return n, err
		}
		if err := s.wait(unix.POLLIN); err != nil {
			return 0, err
		}
	}
}

func (s *socket) Write(p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		n, err := unix.Write(s.fd, p[sent:])
		sent += max(n, 0)
		if errors.Is(err, unix.EAGAIN) && !s.deadline.IsZero() {
			err = s.wait(unix.POLLOUT)
		}
		if err != nil {
			return sent, fmt.Errorf("write: %w", err)
		}
	}
	return sent, nil
}

func (s *socket) Close() error { return nil } // the descriptor is the listener's
