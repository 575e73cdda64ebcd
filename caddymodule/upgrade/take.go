package upgrade

import (
	"fmt"
	"net"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/handover"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
)

// taking is what takes the place of another process.
type taking struct {
	link        *handover.Link
	log         *zap.Logger
	generations map[string]*state.Generation
	adoptions   map[string]*streaming.Adoption
}

// Take takes the place of the process that has started this one, once all of the configuration has
// started, and puts the stations into force. late is to be called when this process accepts: it takes what
// could not be sent with the others. After an error the other process goes on.
func Take(log *zap.Logger, generations map[string]*state.Generation) (late func(), err error) {
	t := &taking{link: handover.Predecessor(), log: log, generations: generations, adoptions: make(map[string]*streaming.Adoption)}
	for name, g := range generations {
		t.adoptions[name] = g.Adopt()
	}
	if err := t.receive(); err != nil {
		return nil, fmt.Errorf("taking the place of the running process: %w", err)
	}
	t.link.Took()
	for _, g := range generations {
		g.Publish()
	}
	for _, a := range t.adoptions {
		a.Finish()
	}
	state.TookOver()
	return func() { go t.receiveLate() }, nil
}

// receive takes all streams.
func (t *taking) receive() error {
	if err := t.link.Send(handover.Message{Kind: handover.Streams}, nil); err != nil {
		return err
	}
	if err := t.takeUntil(handover.End, commitTime); err != nil {
		return err
	}
	if err := t.link.Send(handover.Message{Kind: handover.Commit}, nil); err != nil {
		return err
	}
	// The other process has no way back from here on: it says so, or ends the link. Listeners that were
	// busy may come first.
	if err := t.takeUntil(handover.Committed, 0); err != nil {
		return fmt.Errorf("the running process has kept its streams: %w", err)
	}
	return nil
}

// takeUntil takes streams until a message of a kind comes, for each of which there is a time; 0: no limit.
func (t *taking) takeUntil(last handover.Kind, within time.Duration) error {
	for {
		m, file, err := t.link.Receive(within)
		if err != nil {
			return err
		}
		if m.Kind == last {
			return nil
		}
		if err := t.take(m, file); err != nil {
			t.log.Warn("stream not taken over", zap.Error(err))
		}
	}
}

// take takes one mount, or one listener.
func (t *taking) take(m handover.Message, file *os.File) error {
	if g := t.generations[m.Station]; m.Kind == handover.Node && g != nil {
		g.Inherit(m.ID)
		return nil
	}
	if file == nil {
		return fmt.Errorf("message of kind %q without a connection", m.Kind)
	}
	defer file.Close()
	if m.Kind == handover.Connection {
		return takeConnection(m, file)
	}
	a := t.adoptions[m.Station]
	if a == nil {
		return fmt.Errorf("station %q: unknown", m.Station)
	}
	conn, err := net.FileConn(file)
	if err != nil {
		return err
	}
	switch {
	case m.Mount != nil:
		return a.Mount(*m.Mount, conn)
	case m.Listener != nil:
		return a.Listener(*m.Listener, conn)
	}
	_ = conn.Close()
	return fmt.Errorf("message of kind %q; expected a mount or a listener", m.Kind)
}

// receiveLate takes listeners that could not be sent with the others, and connections, until the other
// process closes the link.
func (t *taking) receiveLate() {
	defer t.link.Close()
	_ = t.takeUntil("", 0) // no message has no kind
}
