package upgrade

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/handover"
	"github.com/caddycast/caddycast/caddymodule/socket"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
)

const (
	// DefaultMax is how long the older process passes on streams at most.
	DefaultMax = 12 * time.Hour

	// startTime bounds the start of the new program, up to its question for the streams.
	startTime = 2 * time.Minute

	// commitTime bounds how long streams stand still.
	commitTime = 20 * time.Second
)

// Options say what replaces the running program.
type Options struct {
	Binary string                 // path of the new program; empty: that of this one, whose file may be another by now
	Max    time.Duration          // how long this process may pass on streams afterwards
	Config func() ([]byte, error) // returns the configuration in force, as JSON
}

// begun is set while an upgrade is under way, and ever after one that has succeeded.
var begun atomic.Bool

var (
	// ErrUnderWay is returned while another upgrade is under way.
	ErrUnderWay = errors.New("another upgrade is under way")

	// ErrReloaded is returned if a reload was faster.
	ErrReloaded = errors.New("the configuration has changed meanwhile; expected an upgrade after it")

	errReplaced = errors.New("an upgrade of the program is under way; expected a new configuration when it has ended, for the new process")
)

// CheckReload returns an error if this process can't take a new configuration, since another one has, or
// is about to have, the configuration in force.
func CheckReload() error {
	if begun.Load() {
		return errReplaced
	}
	return nil
}

// upgrade is one upgrade.
type upgrade struct {
	Options
	config    []byte
	inForce   context.Context // of the configuration
	cmd       *exec.Cmd
	link      *handover.Link
	ended     chan struct{} // closed when the new program has ended
	stations  []*state.Station
	handovers []*streaming.Handover // of the stations, in their order
	sending   sync.Mutex
	resume    func() // lets connections be accepted here again
}

// Begin replaces the program, and returns the new process's number. After an error nothing has happened.
func Begin(o Options) (pid int, err error) {
	if begun.Swap(true) {
		return 0, ErrUnderWay
	}
	u := &upgrade{Options: o, ended: make(chan struct{}), inForce: caddy.ActiveContext().Context, resume: func() {}}
	if err := u.run(); err != nil {
		begun.Store(false)
		return 0, err
	}
	caddy.Log().Named("icecast").Info("another process has taken over",
		zap.Int("process", u.cmd.Process.Pid), zap.String("program", u.cmd.Path), zap.Int("passed_on", u.left()))
	notifyMainPID(u.cmd.Process.Pid)
	u.giveUp()
	go u.retire()
	return u.cmd.Process.Pid, nil
}

// run does all up to the moment from which there is no way back.
func (u *upgrade) run() (err error) {
	if u.config, err = u.Config(); err != nil {
		return fmt.Errorf("reading the configuration in force: %w", err)
	}
	if err := u.start(); err != nil {
		return err
	}
	defer func() {
		if err == nil {
			return
		}
		u.release()
		_ = u.link.Close()
		_ = u.cmd.Process.Kill()
		<-u.ended
	}()
	if err := u.answer(); err != nil {
		return err
	}
	if err := u.sendStreams(); err != nil {
		return fmt.Errorf("handing streams over: %w", err)
	}
	if m, _, err := u.link.Receive(commitTime); err != nil || m.Kind != handover.Commit {
		return fmt.Errorf("the new process did not take the streams: %w; see its log", cause(err))
	}
	if caddy.ActiveContext().Context != u.inForce {
		return ErrReloaded
	}
	u.commit()
	return nil
}

// start starts the program.
func (u *upgrade) start() error {
	if u.Binary == "" {
		own, err := os.Executable()
		if err != nil {
			return err
		}
		u.Binary = own
	}
	args, err := arguments(os.Args[1:])
	if err != nil {
		return err
	}
	u.cmd = exec.Command(u.Binary, args...) //nolint:gosec // the operator names it by the admin endpoint, which may do anything
	u.cmd.Stdin = bytes.NewReader(u.config)
	u.cmd.Stdout, u.cmd.Stderr = os.Stdout, os.Stderr
	if u.link, err = handover.Start(u.cmd); err != nil {
		return fmt.Errorf("starting %s: %w", u.Binary, err)
	}
	go func() {
		_ = u.cmd.Wait()
		close(u.ended)
	}()
	return nil
}

// answer answers the questions for listening sockets, until the new process asks for the streams.
func (u *upgrade) answer() error {
	for {
		m, given, err := u.link.Receive(startTime)
		if given != nil { // nothing is expected
			_ = given.Close()
		}
		switch {
		case err != nil:
			return fmt.Errorf("%s did not start, or rejected the configuration: %w; see its log", u.Binary, cause(err))
		case m.Kind == handover.Streams:
			return nil
		case m.Kind != handover.Socket:
			return fmt.Errorf("%s asks for %q; expected a program with this module", u.Binary, m.Kind)
		}
		file := socket.File(m.Address)
		if err = u.link.Send(handover.Message{Kind: handover.Socket, Address: m.Address}, file); file != nil {
			_ = file.Close()
		}
		if err != nil {
			return err
		}
	}
}

// cause names the end of the link in words.
func cause(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("it ended")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("it took too long")
	}
	return err
}

// sendStreams makes all streams stand still and sends them. Who connects from then on waits for the
// decision: an encoder could not be taken.
func (u *upgrade) sendStreams() error {
	u.resume = socket.Pause()
	u.stations = state.InForce()
	for _, st := range u.stations {
		h, err := st.Hold(handover.Pair)
		if err != nil {
			return err
		}
		u.handovers = append(u.handovers, h)
		if err := u.link.Send(handover.Message{Kind: handover.Node, Station: st.StationName(), ID: st.NodeID()}, nil); err != nil {
			return err
		}
		for i := range h.Mounts {
			m := &h.Mounts[i]
			if err := u.link.Send(handover.Message{Kind: handover.Mount, Station: st.StationName(), Mount: &m.MountState}, m.Remote); err != nil {
				return err
			}
		}
		for i := range h.Listeners {
			if err := u.sendListener(st, &h.Listeners[i]); err != nil {
				return err
			}
		}
	}
	return u.link.Send(handover.Message{Kind: handover.End}, nil)
}

func (u *upgrade) sendListener(st *state.Station, l *streaming.HandedListener) error {
	u.sending.Lock()
	defer u.sending.Unlock()
	return u.link.Send(handover.Message{Kind: handover.Listener, Station: st.StationName(), Listener: &l.ListenerState}, l.Remote)
}

// release lets the streams go on here.
func (u *upgrade) release() {
	for _, h := range u.handovers {
		h.Release()
	}
	u.resume()
}

// commit leaves the streams to the new process.
func (u *upgrade) commit() {
	var down sync.WaitGroup
	for _, st := range u.stations {
		down.Go(st.StandDown)
	}
	down.Wait()
	for i, h := range u.handovers {
		h.Late = func(l streaming.HandedListener) {
			_ = u.sendListener(u.stations[i], &l) // or it ends with the link
			_ = l.Remote.Close()
		}
		h.Commit()
	}
	u.sending.Lock() // the shards send late listeners by now
	_ = u.link.Send(handover.Message{Kind: handover.Committed}, nil)
	u.sending.Unlock()
	socket.SetSuccessor(u.passOn)
}

// left returns how many listeners get their stream by this process.
func (u *upgrade) left() (n int) {
	for _, h := range u.handovers {
		n += h.Left()
	}
	return n
}
