//go:build linux

package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/caddycast/caddycast/internal/numbered"
)

const (
	// prefill is what a source sends as soon as it is connected, so that the first
	// listeners get a whole burst as on a mount that has been there for long.
	prefill = 80 << 10

	// coarse is the time between writes if frames are due more often, and fine if
	// there are many mounts.
	coarse = 5 * time.Millisecond
	fine   = time.Millisecond

	// arrears is how much of what a server did not take in time is still sent.
	arrears = 500 * time.Millisecond

	sourcePatience = 10 * time.Second
)

// source feeds one mount.
type source struct {
	sent    *sentStream
	fd      int
	unsent  []byte // frames that the socket has not taken yet
	blocked bool   // it did not take all, so no more frames are made
}

// sources feed all mounts from one thread, frame by frame as encoders do: mounts
// in turn, so that frames of different mounts do not come all at once.
type sources struct {
	feeds    []*source
	interval atomic.Int64 // between two frames of a mount
	due      atomic.Uint64
	err      atomic.Pointer[error]

	stop atomic.Bool
	done chan struct{}
}

// noSources returns sources of no mounts.
func noSources() *sources {
	s := &sources{done: make(chan struct{})}
	close(s.done)
	return s
}

// frameInterval is the time between two frames at a rate in bit/s.
func frameInterval(rate int) time.Duration {
	return time.Duration(float64(numbered.Duration) * 128_000 / float64(rate))
}

// connectSources connects a source for each mount and begins to feed.
func connectSources(port int, password string, mounts []string, sent []*sentStream, rate int) (*sources, error) {
	s := &sources{done: make(chan struct{})}
	s.interval.Store(int64(frameInterval(rate)))
	for i, mount := range mounts {
		fd, err := connectSource(port, password, mount)
		if err != nil {
			s.hangUp()
			return nil, fmt.Errorf("source of %s: %w", mount, err)
		}
		s.feeds = append(s.feeds, &source{sent: sent[i], fd: fd})
	}
	for _, f := range s.feeds {
		for len(f.unsent) < prefill {
			f.unsent = append(f.unsent, f.sent.add(time.Now())...)
		}
	}
	go s.feed()
	return s, nil
}

// connectSource logs in as encoders do, and returns a socket that does not block.
func connectSource(port int, password, mount string) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("a socket: %w", err)
	}
	if err = login(fd, port, password, mount); err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func login(fd, port int, password, mount string) error {
	patience := unix.NsecToTimeval(int64(sourcePatience))
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, segment)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience)
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &patience)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	ask := "SOURCE " + mount + " HTTP/1.0\r\nAuthorization: Basic " +
		base64.StdEncoding.EncodeToString([]byte("source:"+password)) +
		"\r\nContent-Type: " + numbered.ContentType + "\r\nIce-Name: bench\r\nIce-Public: 0\r\n\r\n"
	if _, err := unix.Write(fd, []byte(ask)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	var all []byte
	buf := make([]byte, 4096)
	for {
		n, err := unix.Read(fd, buf)
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("no answer but %q: %w", all, err)
		}
		all = append(all, buf[:n]...)
		head, _, err := cutHead(all)
		if err != nil {
			return err
		}
		if head == nil {
			continue
		}
		r, err := parseHead(head)
		if err == nil && r.status != 200 {
			err = fmt.Errorf("answered %q", head)
		}
		return err
	}
}

// Close ends the sources.
func (s *sources) Close() error {
	s.stop.Store(true)
	<-s.done
	s.hangUp()
	return s.failure()
}

func (s *sources) hangUp() {
	for _, f := range s.feeds {
		_ = unix.Close(f.fd)
	}
}

func (s *sources) failure() error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return nil
}

// frames returns how many frames all mounts have sent, and how many were due.
func (s *sources) frames() (sent, due uint64) {
	for _, f := range s.feeds {
		sent += f.sent.sent()
	}
	return sent, s.due.Load()
}

// feed sends frames when they are due until it is stopped.
func (s *sources) feed() {
	runtime.LockOSThread() // its naps are the kernel's
	defer close(s.done)
	pause := coarse
	if len(s.feeds) > 1 {
		pause = fine
	}
	for _, f := range s.feeds {
		s.flush(f)
	}
	for !s.stop.Load() {
		interval := s.interval.Load()
		step := time.Duration(interval) / time.Duration(len(s.feeds))
		s.pace(max(step, 1), pause, func() bool { return s.stop.Load() || s.interval.Load() != interval })
	}
}

// pace makes a frame for the next mount at each step.
func (s *sources) pace(step, pause time.Duration, until func() bool) {
	start := time.Now()
	var next uint64 // step
	for !until() {
		now := time.Now()
		due := uint64(now.Sub(start)/step) + 1
		s.due.Add(due - next)
		if late := uint64(arrears / step); due-next > late+1 {
			next = due - late - 1
		}
		touched := min(due-next, uint64(len(s.feeds)))
		first := next
		for i := range touched {
			s.flush(s.feeds[(first+i)%uint64(len(s.feeds))])
		}
		for ; next < due; next++ {
			if f := s.feeds[next%uint64(len(s.feeds))]; !f.blocked {
				f.unsent = append(f.unsent, f.sent.add(now)...)
			}
		}
		for i := range touched {
			s.flush(s.feeds[(first+i)%uint64(len(s.feeds))])
		}
		nap := max(min(step*time.Duration(due)-time.Since(start), 50*time.Millisecond), 0)
		if step < pause {
			nap = pause
		}
		_ = unix.Nanosleep(&unix.Timespec{Nsec: int64(nap)}, nil)
	}
}

// flush sends what the socket takes.
func (s *sources) flush(f *source) {
	for len(f.unsent) > 0 {
		n, err := unix.Write(f.fd, f.unsent)
		if n > 0 {
			f.unsent = f.unsent[:copy(f.unsent, f.unsent[n:])]
		}
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		if err != nil {
			err = fmt.Errorf("a source was dropped: %w", err)
			s.err.CompareAndSwap(nil, &err)
			f.unsent = f.unsent[:0]
		}
	}
	f.blocked = len(f.unsent) > 0
}
