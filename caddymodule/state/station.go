package state

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/internal/version"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/recording"
	"github.com/caddycast/caddycast/streaming/relay"
	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// DefaultName is the name of the station that has none.
const DefaultName = "default"

// partingTime is how long listeners have, when the process exits, to take what
// is still in their mount's queue.
const partingTime = 900 * time.Millisecond

// stations holds what lives, by the name of the station, as long as some
// configuration uses it.
var stations = caddy.NewUsagePool()

// Station is a station that configurations come and go over.
type Station struct {
	*streaming.Station
	players *fallback.Players
	hooks   *hooks.Dispatcher
	journal EventLog
	name    string

	sessions auth.Sessions
	node     string // what the server is called
	relays   *relay.Manager
	slaves   *relay.Slaves
	dumps    *recording.Manager
	audience *audienceLog
	traffic  traffic

	// StatsClients and StatsConnections count the connections of STATS: now, and ever.
	StatsClients, StatsConnections atomic.Int64

	refusals [600]atomic.Uint64 // by status
	board    Livefeed
	closing  chan struct{} // closed when the station ends
	ending   sync.Once

	mu sync.Mutex // guards published and previous of all generations

	// current is the generation whose settings the station has: the newest that is
	// published or, if none is any more, the one that was published last, since listeners
	// may outlive it. It is nil before the first.
	current atomic.Pointer[Generation]

	welcome sync.Once
}

// acquire returns the live station of that name, making it if it is the first
// to ask. Each acquire wants a release.
func acquire(name string) (*Station, error) {
	v, _, err := stations.LoadOrNew(name, func() (caddy.Destructor, error) {
		l := &Station{name: name}
		l.node, _ = os.Hostname()
		l.hooks = hooks.NewDispatcher(l.Logger, hookStore{l})
		l.Station = streaming.NewStation(l.listenerEnded, l.feedChanged)
		l.Notify(l.noticed)
		l.players = fallback.NewPlayers(l.Station, l.Logger)
		l.relays = relay.NewManager(l.Station, version.UserAgent, l.relayChanged)
		l.slaves = relay.NewSlaves(l.relays.ID, l.relayChanged)
		l.dumps = recording.NewManager(l.Station, l.recordingChanged)
		l.closing = make(chan struct{})
		l.audience = newAudienceLog(l.logAudience)
		return l, nil
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

// Destruct ends the station when no configuration has it any more.
func (l *Station) Destruct() error {
	l.End()
	return nil
}

// End ends all streams of the station, within partingTime. It may be called again.
func (l *Station) End() {
	ctx, cancel := context.WithTimeout(context.Background(), partingTime)
	defer cancel()
	l.close(ctx)
}

// hookPartingTime is how long hooks have for what the end of the streams brought.
const hookPartingTime = 500 * time.Millisecond

// close ends the station politely, as far as there is time.
func (l *Station) close(ctx context.Context) {
	l.ending.Do(func() { close(l.closing) })
	if err := l.Close(ctx); err != nil {
		l.Logger().Warn("streams were cut off", zap.Error(err))
	}
	if err := l.players.Close(ctx); err != nil {
		l.Logger().Warn("fallbacks were cut off", zap.Error(err))
	}
	l.audience.close()
	if err := l.dumps.Close(ctx); err != nil {
		l.Logger().Warn("recordings were cut off", zap.Error(err))
	}
	l.relays.Close()
	l.slaves.Close()
	l.journal.close()
	ctx, cancel := context.WithTimeout(context.Background(), hookPartingTime)
	defer cancel()
	l.hooks.Close(ctx)
}

// Publish puts a configuration into force. Retire takes it back.
func (l *Station) Publish(g *Generation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.current.Load(); c != nil && c != g && c.published {
		g.previous = c
	}
	g.published = true
	l.apply(g)
}

// apply makes a configuration the current one. mu is held.
func (l *Station) apply(g *Generation) {
	l.current.Store(g)
	l.Apply(g.settings)
	l.hooks.Apply(g.Hooks)
	l.relays.Apply(g.Relays)
	l.dumps.Apply(g.Recordings)
}

// StationName returns the name of the station.
func (l *Station) StationName() string { return l.name }

// Node returns the host name of the server.
func (l *Station) Node() string { return l.node }

// Enqueue queues an event for one hook.
func (l *Station) Enqueue(h *hooks.Hook, e *hooks.Event) { l.hooks.Enqueue(h, e) }

// Sessions counts the listeners of each user, across configurations.
func (l *Station) Sessions() *auth.Sessions { return &l.sessions }

// Closing returns a channel that is closed when the station ends.
func (l *Station) Closing() <-chan struct{} { return l.closing }

// Current returns the configuration that is in force, or was last; nil before the first.
func (l *Station) Current() *Generation { return l.current.Load() }

// Relayer manages the relays of the station.
func (l *Station) Relayer() *relay.Manager { return l.relays }

// Slaves are the slaves that report to the station.
func (l *Station) Slaves() *relay.Slaves { return l.slaves }

// EventLog holds the last events of the station.
func (l *Station) EventLog() *EventLog { return &l.journal }

// Livefeed is what plays, for the pages that are open.
func (l *Station) Livefeed() *Livefeed { return &l.board }

// HookBacklogs returns what the hooks have yet to deliver, by kind of hook.
func (l *Station) HookBacklogs() map[string]hooks.Backlog { return l.hooks.Backlogs() }

// IsClosing reports whether the station is ending.
func (l *Station) IsClosing() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

// Retire takes a configuration back, whether it is in force or not. If it was the newest, the
// previous one is in force again, unless that has been retired too. It may be called twice.
func (l *Station) Retire(g *Generation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.current.Load(); c != g {
		for ; c != nil; c = c.previous {
			if c.previous == g {
				c.previous = g.previous
			}
		}
	} else if g.previous != nil {
		l.apply(g.previous)
	}
	g.previous, g.published = nil, false
	g.Events.Close()
}

// feedChanged tells the log what the listeners of a mount hear from now on.
func (l *Station) feedChanged(c streaming.FeedChange) {
	l.Logger().Info("listeners hear another stream",
		zap.String("mount", c.Home), zap.String("from", fallback.Label(c.From)), zap.String("to", fallback.Label(c.To)))
}

// Logger returns the logger of the configuration that is in force. It takes no lock,
// since it is asked for under the station's, and publish takes that under ours.
func (l *Station) Logger() *zap.Logger {
	if g := l.current.Load(); g != nil {
		return g.Log
	}
	return zap.NewNop()
}

// InForce returns the stations that have a configuration, sorted by name.
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
