package origin

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls"
)

const (
	// drainInterval is how often a mount takes what has arrived; for parts it is lowLatencyInterval.
	drainInterval      = 200 * time.Millisecond
	lowLatencyInterval = 50 * time.Millisecond

	// graceTime is how long a list stands still, while nothing is heard, before it is ended.
	// Players go on by themselves if it moves again; after its end they do not.
	graceTime = time.Minute

	// leastSegments are in a list that is shown: players stall on shorter ones. They are short,
	// and together as long as the next one and half of it, so that no player runs dry.
	leastSegments = 3
)

// Mount is a mount that is served by HLS.
type Mount struct {
	manager *Manager
	path    string
	asked   atomic.Int64 // when it was last asked for, in ns since 1970

	view     atomic.Pointer[View]
	rewind   atomic.Pointer[View]               // with the long list
	follower atomic.Pointer[streaming.Follower] // nil: nothing is heard
	options  atomic.Pointer[Options]            // of the list that is written

	mu      sync.Mutex
	changed chan struct{} // closed when there is another view
	keeping int           // number of the keeper whose list is shown

	rewindDroppedAt time.Time // when the long list before this one is forgotten

	sessions map[string]*session // by id
	awaited  map[string]*pending // sessions that have yet to begin, by id

	addresses map[netip.Addr]int // how many sessions there are of each address
	waiting   map[netip.Addr]int // and how many have yet to begin

	writer // owned by run
}

// View is what players of a mount see. It does not change.
type View struct {
	*hls.Page
	first  uint64    // sequence number of the list's first segment: it names the list
	before *hls.Page // the list before it, whose files can still be loaded; may be nil
	err    error     // why there is no list
}

// File returns the file of a name, nil if there is none.
func (m *Mount) File(name string) *hls.File {
	for _, v := range []*View{m.View(), m.rewind.Load()} {
		for _, p := range []*hls.Page{v.Page, v.before} {
			if p == nil {
				continue
			}
			if f := p.Find(name); f != nil {
				return f
			}
		}
	}
	return nil
}

// UnsupportedError is returned for a stream that has no carrier in HLS.
type UnsupportedError struct{ Codec string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("HLS cannot carry %s; expected MP3, AAC, Opus or FLAC", e.Codec)
}

// errEnded is why there is no list after the configuration has dropped it.
var errEnded = errors.New("the mount has no HLS any more")

func newMount(m *Manager, path string, o *Options) *Mount {
	n := &Mount{
		manager: m, path: path, changed: make(chan struct{}),
		sessions: make(map[string]*session), awaited: make(map[string]*pending),
		addresses: make(map[netip.Addr]int), waiting: make(map[netip.Addr]int),
	}
	n.options.Store(o)
	n.view.Store(new(View))
	n.rewind.Store(new(View))
	n.silentSince = time.Now()
	n.ask()
	return n
}

// ask notes that the mount is wanted.
func (m *Mount) ask() { m.asked.Store(time.Now().UnixNano()) }

// View returns what players see now; its Page is nil if there is no list.
func (m *Mount) View() *View { return m.view.Load() }

// Page returns the list as it is now, or the long one; nil: there is none.
func (m *Mount) Page(long bool) *hls.Page { return m.see(long).Page }

// see returns what players see of the list, or of the long one.
func (m *Mount) see(long bool) *View {
	if long {
		return m.rewind.Load()
	}
	return m.View()
}

// show shows another view.
func (m *Mount) show(v *View) {
	m.view.Store(v)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wake()
}

// wake wakes all who wait for another view. mu is held.
func (m *Mount) wake() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// Sent counts bytes that went to players.
func (m *Mount) Sent(bytes int) {
	if f := m.follower.Load(); f != nil {
		f.Sent(bytes)
	}
}

func (o *Options) interval() time.Duration {
	if o.Part > 0 {
		return lowLatencyInterval
	}
	return drainInterval
}

// run keeps the list up to date until nobody has asked for it for a while, or it is no longer
// wanted.
func (m *Mount) run() {
	interval := drainInterval
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	defer m.stop()
	m.openKeeper(m.options.Load())
	var swept time.Time
	for {
		now := time.Now()
		o := m.manager.options(m.path)
		if o == nil {
			m.manager.remove(m)
			m.show(&View{err: errEnded})
			return
		}
		m.write(o, now)
		if next := o.interval(); next != interval {
			interval = next
			ticker.Reset(interval)
		}
		if now.Sub(swept) >= sweepInterval {
			swept = now
			m.dropRewind(now)
			if m.sweep(now) == 0 && !m.isKept(o, now) && m.manager.closeIdle(m, now.Add(-o.idleTime())) {
				return
			}
		}
		select {
		case <-ticker.C:
		case r, open := <-m.mirror.updates():
			m.takeUpdate(r, open, time.Now())
		case <-m.manager.closed:
		}
	}
}

// stop lets go of everything.
func (m *Mount) stop() {
	if f := m.follower.Swap(nil); f != nil {
		f.Close()
	}
	m.stopMirror()
	m.noteNumbers()
	m.closeKeeper()
	m.mu.Lock()
	all := m.awaited
	m.awaited = nil
	m.mu.Unlock()
	for _, p := range all {
		p.end()
	}
}
