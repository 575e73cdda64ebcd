package state

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/ban"
	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/internal/version"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls/origin"
	"github.com/caddycast/caddycast/streaming/recording"
	"github.com/caddycast/caddycast/streaming/relay"
)

// DefaultName is the name of the station whose name is left out.
const DefaultName = "default"

// partingTime is how long listeners have, when the process exits, to receive the rest of their
// mount's queue.
const partingTime = 900 * time.Millisecond

// stations holds the stations by name, each as long as a configuration uses it.
var stations = caddy.NewUsagePool()

// Station is what outlives the configurations of a station.
type Station struct {
	*streaming.Station
	players *fallback.Players
	hooks   *hooks.Dispatcher
	events  EventLog
	name    string

	sessions auth.Sessions
	remote   RemoteListeners
	bans     ban.List
	banStore banStore
	orders   orderLog

	refusedListeners atomic.Int64 // since a limit was reached, ever

	draining atomic.Pointer[Drain] // nil: listeners are taken
	drainMu  sync.Mutex            // held while a drain begins or ends
	settled  atomic.Bool           // the lists of the masters have been settled once

	node     string // host name of the server
	run      string // distinguishes this process's life of the station
	relays   *relay.Manager
	slaves   *relay.Slaves
	peer     peer
	dumps    *recording.Manager
	hls      *origin.Manager
	audience *audienceLog
	traffic  traffic
	streams  streams

	// StatsClients and StatsConnections count the connections of STATS: now, and ever.
	StatsClients, StatsConnections atomic.Int64

	refusals     [600]atomic.Uint64 // by status
	refusalLines lineLimit
	livefeed     Livefeed
	closing      chan struct{} // closed when the station ends
	ending       sync.Once

	mu sync.Mutex // guards published and previous of all generations

	// current is the generation whose settings the station has: the newest that is
	// published or, if none is any more, the one that was published last, since listeners
	// may outlive it. It is nil before the first.
	current atomic.Pointer[Generation]

	readyLogged sync.Once
}

// acquire returns the station with a name, and makes it if there is none. Each acquire needs a
// release.
func acquire(name string) (*Station, error) {
	v, _, err := stations.LoadOrNew(name, func() (caddy.Destructor, error) {
		st := &Station{name: name, run: rand.Text()[:16]}
		st.node, _ = os.Hostname()
		st.hooks = hooks.NewDispatcher(st.Logger, hookStore{st})
		st.Station = streaming.NewStation(st.listenerEnded, st.feedChanged)
		st.Notify(st.noticed)
		st.players = fallback.NewPlayers(st.Station, st.Logger)
		st.relays = relay.NewManager(st.Station, version.UserAgent, st.relayChanged)
		st.peer.identity = cluster.NewIdentity()
		st.relays.ID = st.peer.identity.ID
		st.OnClaim(st.claim)
		st.banStore.station = st
		st.slaves = relay.NewSlaves(st.relays.ID, st.relayChanged)
		st.slaves.Verify(relay.Prober(version.UserAgent))
		st.dumps = recording.NewManager(st.Station, st.recordingChanged)
		st.hls = origin.NewManager(st.Station, origin.Config{
			Name: name, Key: st.hlsKey, Report: st.rewindChanged, Fetch: st.fetchHLS, Reserve: st.reserveDiscontinuities,
		})
		st.closing = make(chan struct{})
		st.audience = newAudienceLog(st.logAudience)
		return st, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*Station), nil
}

func release(name string) error {
	if _, err := stations.Delete(name); err != nil {
		return fmt.Errorf("closing station %s: %w", name, err)
	}
	return nil
}

// Destruct implements caddy.Destructor. The pool calls it with the last release.
func (st *Station) Destruct() error {
	st.End()
	return nil
}

// End ends all streams of the station, within partingTime. It may be called twice.
func (st *Station) End() {
	ctx, cancel := context.WithTimeout(context.Background(), partingTime)
	defer cancel()
	st.close(ctx)
}

// hookPartingTime is how long hooks have for the events of the end.
const hookPartingTime = 500 * time.Millisecond

// close ends the station in order, and cuts off what is left when ctx ends.
func (st *Station) close(ctx context.Context) {
	if st.IsHandedOver() {
		return // all that has an end has come to it; what is left of the streams passes through
	}
	st.ending.Do(func() { close(st.closing) })
	st.stopDrain()
	st.signOff(ctx)
	if err := st.Close(ctx); err != nil {
		st.Logger().Warn("streams were cut off", zap.Error(err))
	}
	st.closeServices(ctx, hookPartingTime)
}

// closeServices ends all that a station has beside its streams.
func (st *Station) closeServices(ctx context.Context, hookTime time.Duration) {
	if err := st.players.Close(ctx); err != nil {
		st.Logger().Warn("fallbacks were cut off", zap.Error(err))
	}
	if err := st.hls.Close(ctx); err != nil {
		st.Logger().Warn("HLS was cut off", zap.Error(err))
	}
	st.audience.close()
	if err := st.dumps.Close(ctx); err != nil {
		st.Logger().Warn("recordings were cut off", zap.Error(err))
	}
	st.relays.Close()
	st.slaves.Close()
	st.remote.Close()
	st.banStore.close()
	st.bans.Close()
	st.events.close()
	ctx, cancel := context.WithTimeout(context.Background(), hookTime)
	defer cancel()
	st.hooks.Close(ctx)
}

// signOffTime bounds how long the listeners' end waits until the masters have heard of it.
const signOffTime = 300 * time.Millisecond

// signOff keeps masters from sending more listeners here.
func (st *Station) signOff(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, signOffTime)
	defer cancel()
	st.closePeering()
	st.relays.SignOff(ctx)
}

// handoverTime bounds the end of what a station has beside its streams, which stand still meanwhile.
const handoverTime = 2 * time.Second

// StandDown ends all that the station has beside its streams, so that another process can have it: hooks
// are stored or delivered, recordings are finished, relays and feeds ended. The streams must be held.
func (st *Station) StandDown() {
	ctx, cancel := context.WithTimeout(context.Background(), handoverTime)
	defer cancel()
	if node := st.Peer(); node != nil {
		node.HandOver()
	}
	st.ending.Do(func() { close(st.closing) })
	st.stopDrain()
	st.signOff(ctx)
	st.closeServices(ctx, handoverTime)
}

// publish puts a configuration into force; see Generation.Publish.
func (st *Station) publish(g *Generation) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if c := st.current.Load(); c != nil && c != g && c.published {
		g.previous = c
	}
	g.published = true
	st.apply(g)
}

// apply makes a configuration the current one. mu is held.
func (st *Station) apply(g *Generation) {
	st.current.Store(g)
	st.banStore.load()
	st.Apply(g.settings)
	st.hooks.Apply(g.Hooks)
	st.relays.Apply(g.Relays)
	st.applyPeering(g)
	st.slaves.Apply(g.credentials())
	st.slaves.PassOn(g.Relays.Slave != nil && !g.Relays.Slave.IsPeer, g.Redirect.IsOn())
	st.dumps.Apply(g.Recordings)
	st.hls.Apply(func(mount string) *origin.Options { return g.Policy(mount).HLS })
}

// StationName returns the name of the station.
func (st *Station) StationName() string { return st.name }

// Node returns the host name of the server.
func (st *Station) Node() string { return st.node }

// Enqueue queues an event for one hook.
func (st *Station) Enqueue(h *hooks.Hook, e *hooks.Event) { st.hooks.Enqueue(h, e) }

// SetWill keeps an event for one hook that the next process delivers if this one is killed before an
// event of the same ID is queued.
func (st *Station) SetWill(h *hooks.Hook, e *hooks.Event) { st.hooks.SetWill(h, e) }

// Sessions returns the counts of each user's listeners, across configurations.
func (st *Station) Sessions() *auth.Sessions { return &st.sessions }

// RemoteListeners returns the listeners of slaves that the station has admitted.
func (st *Station) RemoteListeners() *RemoteListeners { return &st.remote }

// Closing returns a channel that is closed when the station ends.
func (st *Station) Closing() <-chan struct{} { return st.closing }

// Current returns the configuration that is in force, or was last; nil before the first.
func (st *Station) Current() *Generation { return st.current.Load() }

// Relayer returns the manager of the station's relays.
func (st *Station) Relayer() *relay.Manager { return st.relays }

// HLS returns what serves the station's mounts by HLS.
func (st *Station) HLS() *origin.Manager { return st.hls }

// Slaves returns the slaves that report to the station.
func (st *Station) Slaves() *relay.Slaves { return st.slaves }

// EventLog returns the last events of the station.
func (st *Station) EventLog() *EventLog { return &st.events }

// Livefeed returns the feed of the station's open pages.
func (st *Station) Livefeed() *Livefeed { return &st.livefeed }

// HookBacklogs returns the counts of undelivered events, by kind of hook.
func (st *Station) HookBacklogs() map[string]hooks.Backlog { return st.hooks.Backlogs() }

// IsClosing reports whether the station is ending.
func (st *Station) IsClosing() bool {
	select {
	case <-st.closing:
		return true
	default:
		return false
	}
}

// retire takes a configuration back; see Generation.Retire.
func (st *Station) retire(g *Generation) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if c := st.current.Load(); c != g {
		for ; c != nil; c = c.previous {
			if c.previous == g {
				c.previous = g.previous
			}
		}
	} else if g.previous != nil {
		st.apply(g.previous)
	}
	g.previous, g.published = nil, false
	g.Events.Close()
}

// feedChanged logs what the listeners of a mount hear from now on.
func (st *Station) feedChanged(c streaming.FeedChange) {
	st.Logger().Info("listeners hear another stream",
		zap.String("mount", c.Home), zap.String("from", fallback.Label(c.From)), zap.String("to", fallback.Label(c.To)))
}

// Logger returns the logger of the current configuration. It takes no lock: the engine calls it
// under its own, which publish takes under mu.
func (st *Station) Logger() *zap.Logger {
	if g := st.current.Load(); g != nil {
		return g.Log
	}
	return zap.NewNop()
}

// InForce returns the stations that have or had a configuration in force, sorted by name.
func InForce() (all []*Station) {
	stations.Range(func(_, value any) bool {
		if l := value.(*Station); l.Current() != nil {
			all = append(all, l)
		}
		return true
	})
	slices.SortFunc(all, func(a, b *Station) int { return strings.Compare(a.StationName(), b.StationName()) })
	return all
}
