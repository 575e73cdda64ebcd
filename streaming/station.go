package streaming

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/audience"
)

// Station is a set of mounts with one identity. It lives as long as the process
// serves it, whatever becomes of its settings.
type Station struct {
	Started time.Time

	settings    atomic.Pointer[Settings]
	nextID      atomic.Uint64 // of listeners
	sourceCount atomic.Int64  // len(sources)
	crowd       atomic.Int64  // listeners that have come since the last settle
	totals      totals
	listeners   atomic.Int64 // slaves among them
	slaves      atomic.Int64
	closedAt    atomic.Pointer[time.Time] // nil: it is open
	passTimes   histogram
	delays      histogram

	sourced func(*Source) // see OnSource

	mu        sync.RWMutex
	mounts    map[string]*Mount
	sources   map[*Source]struct{}
	addresses audience.AddressCounts
	audience  *audience.Counter
	changed   chan struct{} // closed when something else may be heard somewhere
	again     *time.Timer   // asks the director again
	tallies   map[string]*tally

	settling   *time.Timer // calls settle
	start      sync.Once
	shards     atomic.Pointer[[]*shard] // nil until there is a listener
	departures *departures
	running    sync.WaitGroup // shards and the listeners' goroutines
}

// NewStation returns a station without mounts. It starts no goroutine before
// something happens. observe is called once with each listener that has
// ended, and feeds with each change of what listeners hear, from one goroutine, in
// order; they may be slow.
func NewStation(observe func(*Listener), feeds func(FeedChange)) *Station {
	st := &Station{
		Started:   time.Now(),
		mounts:    make(map[string]*Mount),
		sources:   make(map[*Source]struct{}),
		addresses: make(audience.AddressCounts),
		audience:  audience.New(),
		changed:   make(chan struct{}),
		tallies:   make(map[string]*tally),
	}
	st.again = time.AfterFunc(time.Hour, st.Reconsider)
	st.again.Stop()
	st.departures = newDepartures(observe, feeds)
	st.settling = time.AfterFunc(time.Hour, st.settle)
	st.settling.Stop()
	st.settings.Store(&Settings{})
	st.nextID.Store(rand.Uint64N(1 << 30)) //nolint:gosec // it is no secret
	return st
}

// OnSource sets what is called with each source that has got its mount, before it sends
// anything, by whoever brings it and under no lock. It must be called before the station
// is used.
func (st *Station) OnSource(sourced func(*Source)) { st.sourced = sourced }

// Apply puts settings into force, for the mounts that live too.
func (st *Station) Apply(s *Settings) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.settings.Store(s)
	for _, m := range st.mounts {
		m.applySettings(s)
	}
	st.reconsider()
}

// Settings returns what is in force.
func (st *Station) Settings() *Settings { return st.settings.Load() }

// NewID returns a number that no listener has had. They don't begin at 1: whoever is
// told of the end of listeners, may be told after a restart, and must not take them for
// those who came since. A signed number of 32 bits has room for them.
func (st *Station) NewID() uint64 { return st.nextID.Add(1) }

// Listeners returns how many listeners there are, slaves not counted.
func (st *Station) Listeners() int64 { return st.listeners.Load() - st.slaves.Load() }

// Changed returns a channel that is closed when a source has come or gone, or
// something else may be heard somewhere.
func (st *Station) Changed() <-chan struct{} {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.changed
}

// Offers tells whether who asks for a mount would hear something, now or once it
// is fed.
func (st *Station) Offers(path string) bool {
	st.mu.RLock()
	defer st.mu.RUnlock()
	m := st.mounts[path]
	if m == nil {
		if !st.settings.Load().director().HasFallback(path) {
			return false
		}
		m = &Mount{Path: path, station: st}
	}
	heard, c := st.choose(m, "", "")
	return heard != nil || len(c.StartOnDemand) > 0
}

// SettingsOf returns the settings that a mount has or would have.
func (st *Station) SettingsOf(path string) MountSettings { return st.settings.Load().mount(path) }

// Mounts returns the mounts that live, in the order of their paths.
func (st *Station) Mounts() []*Mount {
	st.mu.RLock()
	defer st.mu.RUnlock()
	mounts := make([]*Mount, 0, len(st.mounts))
	for _, m := range st.mounts {
		if !m.isInternal() {
			mounts = append(mounts, m)
		}
	}
	slices.SortFunc(mounts, func(a, b *Mount) int { return strings.Compare(a.Path, b.Path) })
	return mounts
}

// Mount returns the mount that lives at a path, or nil.
func (st *Station) Mount(path string) *Mount {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.mounts[path]
}

func (st *Station) latency() time.Duration {
	if l := st.settings.Load().Latency; l > 0 {
		return l
	}
	return DefaultLatency
}

func (st *Station) allShards() []*shard {
	if p := st.shards.Load(); p != nil {
		return *p
	}
	return nil
}

// pickShard returns the shard with the fewest listeners, starting them all when
// the first listener comes. Slaves have one of their own: with few listeners its turns
// are short, and what slaves wait all their listeners do.
func (st *Station) pickShard(c Client) (*shard, error) {
	st.start.Do(func() {
		shards := make([]*shard, runtime.GOMAXPROCS(0)+1)
		for i := range shards {
			shards[i] = newShard(st)
			shards[i].express = i == len(shards)-1
			st.running.Go(shards[i].run)
		}
		st.shards.Store(&shards)
	})
	shards := st.allShards()
	if len(shards) == 0 {
		return nil, ErrClosed
	}
	last := len(shards) - 1
	if c.Slave {
		return shards[last], nil
	}
	return slices.MinFunc(shards[:last], func(a, b *shard) int { return int(a.load.Load() - b.load.Load()) }), nil
}

// clock is the time by which the shards' turns go.
func (st *Station) clock() time.Duration { return time.Since(st.Started) }

// notify tells all shards that something was appended.
func (st *Station) notify(now time.Duration, urgent bool) {
	for _, sh := range st.allShards() {
		sh.notify(now)
		if urgent {
			sh.hurry()
		}
	}
}

// attend makes all shards look at all their listeners soon.
func (st *Station) attend() {
	for _, sh := range st.allShards() {
		sh.attend()
	}
}
