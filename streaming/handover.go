package streaming

import (
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// ErrHandedOver is returned while a station is handed over, and ever after.
var ErrHandedOver = errors.New("the station is handed over to another process")

const (
	// unitTime is how long a source may take to the end of a unit before it is stopped within one.
	unitTime = time.Second

	// historyTime bounds how long the other process takes to read the history of a mount.
	historyTime = 10 * time.Second
)

// MountState is what another process needs to go on with a mount.
type MountState struct {
	Path   string
	Type   string // of the stream that is there or waited for, with Info, Since, Kind and Audio
	Info   Info
	Since  time.Time
	Kind   string
	Audio  format.Audio
	Artist string
	Title  string
	URL    string
	Source *SourceState // an encoder; nil: the other process finds out what feeds the mount
	Relay  bool         // the mount is, or was, fed by a relay

	// History is how many bytes the mount's connection brings first: the burst of new listeners,
	// with what a decoder needs before it. What the encoder sends follows.
	History int
}

// SourceState is an encoder. Its bytes still come by this process.
type SourceState struct {
	User  string
	Addr  string
	Since time.Time
}

// ListenerState is what another process needs to go on with a listener.
type ListenerState struct {
	ID       uint64
	Mount    string // that it asked for
	Heard    string // whose stream it hears, unless that is an internal one
	Client   Client // without its Admission
	Type     string // of the stream that it was promised, with Info, Since, Kind and Audio
	Info     Info
	Since    time.Time // of the stream
	Kind     string
	Audio    format.Audio
	Joined   time.Time
	Deadline time.Time // zero: no limit
	Interval int
	Left     int // bytes of sound before the next block of metadata
	Sent     uint64
	Begun    bool // it has been sent something of a stream
}

// HandedMount is a mount and the other process's end of its connection.
type HandedMount struct {
	MountState
	Remote *os.File
}

// HandedListener is a listener and what the other process gets of its connection.
type HandedListener struct {
	ListenerState
	Remote *os.File

	listener *Listener
	pump     *pump // nil: the connection itself is handed over
}

// Pair makes a pair of connected sockets, of which one is for the other process.
type Pair func() (local net.Conn, remote *os.File, err error)

// Handover lets another process go on with the streams of a station. Hold makes all of them stand
// still, between two units. Then the other process takes what Mounts and Listeners have, and
// Commit is called; or Release, and all goes on as before.
//
// After Commit the other process has the mounts, the listeners and the limits. What only this one can
// do is left here: it decrypts what encoders send, cut into whole units, and encrypts what listeners
// get. Each stream has a connection between the two processes for that. A plain TCP connection of a
// listener is handed over itself.
type Handover struct {
	Mounts    []HandedMount
	Listeners []HandedListener

	// Late is called with each listener that could not be handed over with the others: its connection
	// was busy, or it has come since. It must be set before Commit, and must not block.
	Late func(HandedListener)

	station   *Station
	pair      Pair
	sources   []*Source
	outs      map[*Source]net.Conn
	conns     []net.Conn // of mounts without an encoder
	shards    sync.WaitGroup
	decided   chan struct{} // closed by Commit and Release
	committed atomic.Bool
	streams   sync.WaitGroup // that still come by this process

	mu    sync.Mutex
	pumps map[*pump]bool   // of listeners that still come by this process
	over  map[*Source]bool // sources that have ended before Commit
}

// Hold makes all streams of the station stand still.
func (st *Station) Hold(pair Pair) (*Handover, error) {
	h := &Handover{station: st, pair: pair, outs: make(map[*Source]net.Conn), pumps: make(map[*pump]bool), over: make(map[*Source]bool), decided: make(chan struct{})}
	st.mu.Lock()
	if st.closedAt.Load() != nil || !st.handover.CompareAndSwap(nil, h) {
		st.mu.Unlock()
		return nil, ErrHandedOver
	}
	for s := range st.sources {
		s.holder.Store(h) // under mu: each of them tells h when it ends
		h.sources = append(h.sources, s)
	}
	st.mu.Unlock()
	var shut sync.WaitGroup
	for _, s := range h.sources {
		shut.Go(s.shut)
	}
	shut.Wait()
	h.stopShards()
	if err := h.collect(); err != nil {
		h.Release()
		return nil, err
	}
	return h, nil
}

// stopShards makes the shards wait for the decision.
func (h *Handover) stopShards() {
	var stopped sync.WaitGroup
	for _, s := range h.station.allShards() {
		stopped.Add(1)
		h.shards.Go(func() {
			s.do(func() {
				stopped.Done()
				<-h.decided
			})
		})
	}
	stopped.Wait()
}

// collect describes all streams.
func (h *Handover) collect() error {
	st := h.station
	st.mu.RLock()
	defer st.mu.RUnlock()
	for _, m := range st.mounts {
		if m.isInternal() || m.stream == nil {
			continue
		}
		if err := h.collectMount(m); err != nil {
			return err
		}
	}
	for _, s := range st.allShards() {
		for _, g := range s.groups {
			for _, l := range g.listeners {
				if err := h.collectListener(l); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// collectMount describes a mount and sends its history. mu is held.
func (h *Handover) collectMount(m *Mount) error {
	local, remote, err := h.pair()
	if err != nil {
		return err
	}
	meta := m.meta.Load()
	state := MountState{
		Path: m.Path, Type: m.stream.Type, Info: m.stream.Info, Since: m.stream.Since, Kind: m.stream.kind, Audio: m.stream.audio,
		Artist: meta.Artist, Title: meta.Title, URL: meta.URL,
		Relay: m.ending.IsDistinct(),
	}
	if s := m.source; s != nil && s.Upstream == "" && m.announced {
		state.Source = &SourceState{User: s.User, Addr: s.Addr, Since: s.Since}
		h.outs[s] = local
	} else {
		h.conns = append(h.conns, local)
	}
	history := m.log.History()
	state.History = len(history)
	h.Mounts = append(h.Mounts, HandedMount{state, remote})
	go func() {
		_ = local.SetWriteDeadline(time.Now().Add(historyTime))
		_, _ = local.Write(history) // the other process sees if not all of it comes
		_ = local.SetWriteDeadline(time.Time{})
	}()
	return nil
}

// Release makes all go on as if nothing had happened.
func (h *Handover) Release() {
	for _, c := range h.outs {
		_ = c.Close()
	}
	for _, c := range h.conns {
		_ = c.Close()
	}
	for i := range h.Listeners {
		if p := h.Listeners[i].pump; p != nil {
			_ = p.conn.Close()
		}
	}
	h.closeRemotes()
	h.station.handover.Store(nil)
	h.decide()
}

// Commit leaves the streams to the other process.
func (h *Handover) Commit() {
	st := h.station
	h.committed.Store(true)
	st.callbacks.mute(true)
	h.mu.Lock()
	for _, s := range h.sources {
		s.out = discarded{}
		if out := h.outs[s]; out != nil {
			s.out = out
		} else if s.Upstream == "" && !s.Mount().isInternal() { // an encoder that has sent nothing yet: it is to connect again
			s.Stop(ShuttingDown)
		}
		if h.over[s] { // such as a relay, which has been closed meanwhile
			_ = s.out.Close()
		} else {
			h.streams.Add(1)
		}
	}
	h.mu.Unlock()
	for _, c := range h.conns {
		_ = c.Close()
	}
	handed := make(map[*Listener]bool, len(h.Listeners))
	for i := range h.Listeners {
		handed[h.Listeners[i].listener] = true
	}
	for _, s := range st.allShards() {
		for _, g := range s.groups {
			g.remove(handed)
		}
	}
	for i := range h.Listeners {
		h.Listeners[i].start(h)
	}
	h.closeRemotes()
	h.decide()
	st.rescan()
}

// remove takes listeners out.
func (g *shardGroup) remove(handed map[*Listener]bool) {
	rest := g.listeners[:0]
	for _, l := range g.listeners {
		if !handed[l] {
			rest = append(rest, l)
		}
	}
	clear(g.listeners[len(rest):])
	g.listeners = rest
}

// closeRemotes closes what the other process has by now.
func (h *Handover) closeRemotes() {
	for _, m := range h.Mounts {
		_ = m.Remote.Close()
	}
	for _, l := range h.Listeners {
		_ = l.Remote.Close()
	}
}

// decide lets sources and shards go on.
func (h *Handover) decide() {
	for _, s := range h.sources {
		s.open()
	}
	close(h.decided)
	h.shards.Wait()
}

// sourceEnded notes the end of a source that was held, and tells the other process.
func (h *Handover) sourceEnded(s *Source) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.out == nil {
		h.over[s] = true
		return
	}
	_ = s.out.Close()
	h.streams.Done()
}

// Wait waits until no stream comes by this process any more.
func (h *Handover) Wait() { h.streams.Wait() }

// Left returns how many listeners still get their stream by this process.
func (h *Handover) Left() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.pumps)
}

// EndAll ends the streams that still come by this process: listeners one after the other over a time,
// each when all that it was sent has gone out, then the encoders.
func (h *Handover) EndAll(over time.Duration) {
	h.mu.Lock()
	pumps := slices.Collect(maps.Keys(h.pumps))
	h.mu.Unlock()
	for _, p := range pumps {
		_ = p.conn.SetReadDeadline(time.Unix(1, 0)) // it is read again when nothing is left to be written
		time.Sleep(over / time.Duration(len(pumps)))
	}
	for _, s := range h.sources {
		s.Stop(Drained)
	}
}

// discarded takes what an internal source or a relay sends until it is ended.
type discarded struct{}

func (discarded) Write(p []byte) (int, error) { return len(p), nil }
func (discarded) Close() error                { return nil }

var _ io.WriteCloser = discarded{}
