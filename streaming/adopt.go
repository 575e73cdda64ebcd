package streaming

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

const (
	// adoptTime bounds how long the history of a mount takes to arrive.
	adoptTime = 5 * time.Second

	// successorLinger is how long the listeners of an adopted mount wait for what feeds it here, such
	// as a relay, at least.
	successorLinger = 10 * time.Second
)

// Adoption takes the streams of a station of another process over; see Handover. Its methods are called
// by one goroutine at a time, in this order: Mount for each mount, Listener for each listener, Finish.
type Adoption struct {
	// Admit takes a listener of a mount into account, before it is taken over; nil: nobody does.
	Admit func(mount string, c *Client)

	station *Station
	ended   func(*Source)
	begin   chan struct{} // closed by Finish
	begun   bool
	running sync.WaitGroup
	adopted []Notice // to be published by Finish

	// ends are the last blocks of the histories, by mount: there each listener goes on, also one that
	// comes late.
	ends map[*Mount]*blocklog.Block
}

// Adopt begins to take streams over. Observers get nothing until Finish. ended is called with
// each encoder of the other process whose stream has ended.
func (st *Station) Adopt(ended func(*Source)) *Adoption {
	st.callbacks.mute(true)
	return &Adoption{station: st, ended: ended, begin: make(chan struct{}), ends: make(map[*Mount]*blocklog.Block)}
}

// Mount takes a mount over. Its history is there when Mount returns; what follows is read after Finish.
func (a *Adoption) Mount(state MountState, conn net.Conn) error {
	src := &Source{linger: successorLinger}
	if s := state.Source; s != nil {
		*src = Source{User: s.User, Addr: s.Addr, Since: s.Since}
	} else if state.Relay {
		src.Upstream = "another process"
	}
	info := state.Info
	if err := a.station.NewSource(state.Path, src, info, func() { _ = conn.Close() }); err != nil {
		_ = conn.Close()
		return fmt.Errorf("mount %s: %w", state.Path, err)
	}
	src.Mount().expect(state)
	src.Mount().Announce(state.Artist, state.Title, state.URL)
	r := &handedStream{conn: conn, history: state.History, reached: make(chan struct{}), begin: a.begin}
	src.history = r
	a.running.Go(func() {
		src.Run(r)
		src.End()
		_ = conn.Close()
		if state.Source != nil {
			a.ended(src)
		}
	})
	select {
	case <-r.reached:
		a.ends[src.Mount()] = src.Mount().log.Tail()
		if state.Source != nil {
			a.adopted = append(a.adopted, Notice{Kind: SourceAdopted, Mount: src.Mount(), Source: src})
		}
		return nil
	case <-src.ended:
		return fmt.Errorf("mount %s: its history: %w", state.Path, io.ErrUnexpectedEOF)
	case <-time.After(adoptTime):
		src.Stop(Disconnected)
		return fmt.Errorf("mount %s: its history: %w", state.Path, errors.New("it does not come"))
	}
}

// expect makes listeners wait for the stream that the other process had, or waited for, until there is a
// unit of one.
func (m *Mount) expect(state MountState) {
	m.station.mu.Lock()
	defer m.station.mu.Unlock()
	m.setStream(&Stream{Type: state.Type, Info: state.Info, Since: state.Since, promise: promise{state.Kind, state.Audio}})
}

// handedStream is the connection of a mount. After its history it waits for the beginning.
type handedStream struct {
	conn    net.Conn
	history int // bytes that are still to come of it
	settled bool
	reached chan struct{}
	begin   <-chan struct{}
}

// Read implements io.Reader.
func (r *handedStream) Read(p []byte) (int, error) {
	if r.history == 0 && !r.settled {
		return 0, nil // settle is called then
	}
	if r.history > 0 {
		p = p[:min(len(p), r.history)]
	}
	n, err := r.conn.Read(p)
	r.history -= min(n, r.history)
	return n, err
}

// isRead reports whether the history is read, and settle is to be called.
func (r *handedStream) isRead() bool { return r != nil && r.history == 0 && !r.settled }

// settle is called after each read, with what was read appended. Once that is all of the history, it
// waits.
func (r *handedStream) settle(halt <-chan struct{}) {
	if !r.isRead() {
		return
	}
	r.settled = true
	close(r.reached)
	select {
	case <-r.begin:
	case <-halt:
	}
}

// Listener takes a listener over. It may be called after Finish, for one that comes late.
func (a *Adoption) Listener(state ListenerState, conn net.Conn) error {
	st := a.station
	l := &Listener{
		ID: state.ID, Client: state.Client, Since: state.Joined, Interval: state.Interval, deadline: state.Deadline,
		stream: &Stream{Type: state.Type, Info: state.Info, Since: state.Since, promise: promise{state.Kind, state.Audio}},
	}
	l.sent.Store(state.Sent)
	shard, err := st.pickShard(l.Client)
	if err == nil {
		err = l.adopt(conn)
	}
	if err != nil {
		_ = conn.Close()
		return fmt.Errorf("listener %d: %w", state.ID, err)
	}
	if a.Admit != nil {
		a.Admit(state.Mount, &l.Client)
	}
	st.enter(l, state.Mount, state.Heard)
	playing := l.group.playing.Load()
	end := a.ends[playing.mount]
	if end == nil {
		end = playing.Tail()
	}
	if l.cursor = blocklog.ContinueAfter(playing.Feed, end, state.Interval, state.Left); !state.Begun {
		l.cursor = blocklog.NewCursor(playing.Feed, state.Interval)
	}
	l.shard = shard
	shard.load.Add(1)
	if notice := (Notice{Kind: ListenerAdopted, Mount: l.mount, Listener: l}); a.begun {
		l.mount.publish(notice)
	} else {
		a.adopted = append(a.adopted, notice)
	}
	shard.take(l)
	if a.begun {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.follow(state.Mount)
	}
	return nil
}

// enter counts a listener of another process in, whatever the limits are.
func (st *Station) enter(l *Listener, path, heardPath string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	m := st.mounts[path]
	if m == nil {
		m = newMount(st, path)
		st.mounts[path] = m
	}
	st.startCounting(m)
	heard := st.mounts[heardPath]
	if heard == nil {
		heard = m
	}
	if c := &l.Client; !c.Slave {
		_ = st.addresses.Enter(c.IP, 0)
		m.enterQuota(c, false)
		st.audience.Enter(m.Path, c.visitor(), time.Now())
	}
	st.present.add(&l.Client, 1)
	m.present.add(&l.Client, 1)
	m.peak.Store(max(m.peak.Load(), m.present.listeners()))
	l.mount, l.group = m, m.groupOfPromise(l.stream.promise, heard, l.Client.Slave)
	l.group.listeners++
}

// groupOfPromise returns the group of listeners that were promised something and hear a mount. mu is
// held.
func (m *Mount) groupOfPromise(p promise, heard *Mount, slaves bool) *listenerGroup {
	for g := range m.groups {
		if g.movedTo == "" && g.heard() == heard && g.promise == p && g.slaves == slaves && !g.followed {
			return g
		}
	}
	return newListenerGroup(m, p, slaves, heard, nil)
}

// Finish lets the streams go on.
func (a *Adoption) Finish() {
	a.station.callbacks.mute(false)
	for _, n := range a.adopted {
		n.Mount.publish(n)
	}
	a.adopted = nil
	close(a.begin)
	a.begun = true
	a.station.Reconsider()
}
