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

// Station is a set of mounts with one identity. It lives as long as the process serves it,
// through all changes of its settings.
type Station struct {
	Started time.Time

	settings    atomic.Pointer[Settings]
	nextID      atomic.Uint64 // of listeners
	sourceCount atomic.Int64  // len(sources)
	arrivals    atomic.Int64  // listeners that have arrived since memory was last released
	totals      totals
	present     presence                  // listeners of all mounts
	closedAt    atomic.Pointer[time.Time] // nil: it is open
	cycleTimes  histogram
	delays      histogram
	handover    atomic.Pointer[Handover] // nil: the streams are this process's alone
	quota       atomic.Pointer[Quota]    // of limits of several stations; nil: there is none
	onDemand    atomic.Bool              // some source is, or was, on demand
	changes     changes

	sourced []func(*Source)                    // see OnSource
	claim   func(path string, s *Source) error // see OnClaim; nil: there is none

	mu        sync.RWMutex
	mounts    map[string]*Mount
	homes     map[string]map[*Mount]bool // by path: see dependents
	sources   map[*Source]struct{}
	external  int // how many of them are of mounts that are not internal
	addresses audience.AddressCounts
	audience  *audience.Counter
	changed   chan struct{} // closed when another stream may be heard somewhere
	recheck   *time.Timer   // asks the director again
	recheckAt time.Time     // when recheck is due; zero: it is not
	byName    map[string]*nameTotals

	releaseTimer *time.Timer // calls releaseMemory
	start        sync.Once
	shards       atomic.Pointer[[]*shard] // nil until there is a listener
	callbacks    *callbackQueue
	running      sync.WaitGroup // shards, the listeners' goroutines, stops of sources
	drainOnce    sync.Once
	drained      chan struct{} // closed when the station is closed and the last listener has left
}

// NewStation returns a station without mounts. It starts no goroutine before something
// happens. observe is called once with each listener that has ended, and feeds with each
// change of what listeners hear, from one goroutine, in order; they may be slow.
func NewStation(observe func(*Listener), feeds func(FeedChange)) *Station {
	st := &Station{
		Started:   time.Now(),
		mounts:    make(map[string]*Mount),
		homes:     make(map[string]map[*Mount]bool),
		sources:   make(map[*Source]struct{}),
		addresses: make(audience.AddressCounts),
		audience:  audience.New(),
		changed:   make(chan struct{}),
		byName:    make(map[string]*nameTotals),
		drained:   make(chan struct{}),
	}
	st.recheck = time.AfterFunc(time.Hour, st.Reconsider)
	st.recheck.Stop()
	st.callbacks = newCallbackQueue(observe, feeds)
	st.releaseTimer = time.AfterFunc(time.Hour, st.releaseMemory)
	st.releaseTimer.Stop()
	st.settings.Store(&Settings{})
	st.nextID.Store(rand.Uint64N(1 << 30)) //nolint:gosec // it is no secret
	return st
}

// OnSource adds a function that is called with each source that has got its mount, before
// it sends anything, from the goroutine of NewSource and under no lock. It must be called
// before the station is used.
func (st *Station) OnSource(sourced func(*Source)) { st.sourced = append(st.sourced, sourced) }

// OnClaim sets a function that is called with each encoder before it gets a mount, from the
// goroutine of NewSource and under no lock. NewSource returns its error. It must be called before
// the station is used.
func (st *Station) OnClaim(claim func(path string, s *Source) error) { st.claim = claim }

// Apply puts settings into force, also for the mounts that live.
func (st *Station) Apply(s *Settings) {
	st.mu.Lock()
	defer st.mu.Unlock()
	before := st.settings.Load().PerIP
	st.settings.Store(s)
	for _, m := range st.mounts {
		m.applySettings(s)
	}
	st.applyQuota(before)
	st.reconsider()
}

// Settings returns the settings in force.
func (st *Station) Settings() *Settings { return st.settings.Load() }

// NewID returns a number that no listener has had. Numbers don't begin at 1: the end of a
// listener may be reported after a restart, and must not be mistaken for that of a newer
// one. A signed number of 32 bits has room for them.
func (st *Station) NewID() uint64 { return st.nextID.Add(1) }

// Listeners returns how many listeners there are, slaves not counted.
func (st *Station) Listeners() int64 { return st.present.listeners() }

// Changed returns a channel that is closed when a source has come or gone, or
// another stream may be heard somewhere.
func (st *Station) Changed() <-chan struct{} {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.changed
}

// Offer is what a listener of a mount would hear.
type Offer struct {
	Heard    string   // the mount that is heard; empty: none
	Awaited  bool     // a source is away, and waited for
	OnDemand []string // what would be started for the listener, while nothing is heard
}

// Any reports whether there is something, now or once it is fed.
func (o *Offer) Any() bool { return o.Heard != "" || o.Awaited || len(o.OnDemand) > 0 }

// Offer returns what a listener of a mount would hear.
func (st *Station) Offer(path string) (o Offer) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	m := st.mounts[path]
	if m == nil {
		if !st.settings.Load().director().HasFallback(path) {
			return o
		}
		m = &Mount{Path: path, station: st}
	}
	switch heard, c := st.choose(m, promise{}, ""); {
	case heard == nil:
		o.OnDemand = c.StartOnDemand
	case heard.announced:
		o.Heard = heard.Path
	default:
		o.Awaited = true
	}
	return o
}

// Offers reports whether a listener of a mount would hear something, now or once it is
// fed.
func (st *Station) Offers(path string) bool {
	o := st.Offer(path)
	return o.Any()
}

// Mounts returns the mounts that live, in the order of their paths, but for internal ones.
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

// pickShard returns the shard with the fewest listeners. The first call starts them all.
// Slaves have a shard of their own: with few listeners its intervals are short, and each
// listener of a slave waits as long as the slave does.
func (st *Station) pickShard(c Client) (*shard, error) {
	st.start.Do(func() {
		shards := make([]*shard, runtime.GOMAXPROCS(0)+1)
		for i := range shards {
			shards[i] = newShard(st)
			shards[i].forSlaves = i == len(shards)-1
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

// clock is the time that shards and logs go by.
func (st *Station) clock() time.Duration { return time.Since(st.Started) }

// notify tells all shards that have listeners that something was appended.
func (st *Station) notify(now time.Duration, urgent bool) {
	for _, sh := range st.allShards() {
		if sh.load.Load() == 0 {
			continue
		}
		sh.notify(now)
		if urgent {
			sh.flushNow()
		}
	}
}

// rescan makes all shards look at all their listeners soon.
func (st *Station) rescan() {
	for _, sh := range st.allShards() {
		sh.rescan()
	}
}
