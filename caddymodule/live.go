package caddymodule

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/internal/version"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/recording"
	"github.com/caddycast/caddycast/streaming/relay"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// stations holds what lives, by the name of the station, as long as some
// configuration uses it.
var stations = caddy.NewUsagePool()

// live is a station that configurations come and go over.
type live struct {
	*streaming.Station
	players *fallback.Players
	hooks   *hooks.Dispatcher
	journal journal
	name    string

	sessions Sessions
	node     string // what the server is called
	relays   *relay.Manager
	slaves   *relay.Slaves
	dumps    *recording.Manager
	counts   *time.Timer // writes what is heard of the mounts to the log, each hour
	traffic  traffic

	statsClients, statsConnections atomic.Int64 // of STATS: now, and ever
	board                          board
	closing                        chan struct{} // closed when the station ends
	ending                         sync.Once

	mu      sync.Mutex
	current *reign                // nil: none, or none any more
	last    atomic.Pointer[reign] // the last that was in force; listeners may outlive it
	welcome sync.Once
}

// acquire returns the live station of that name, making it if it is the first
// to ask. Each acquire wants a release.
func acquire(name string) (*live, error) {
	v, _, err := stations.LoadOrNew(name, func() (caddy.Destructor, error) {
		l := &live{name: name}
		l.node, _ = os.Hostname()
		l.hooks = hooks.NewDispatcher(l.logger, hookStore{l})
		l.Station = streaming.NewStation(l.listenerEnded, l.feedChanged)
		l.Notify(l.noticed)
		l.players = fallback.NewPlayers(l.Station, l.logger)
		l.relays = relay.NewManager(l.Station, version.UserAgent, l.relayChanged)
		l.slaves = relay.NewSlaves(l.relays.ID, l.relayChanged)
		l.dumps = recording.NewManager(l.Station, l.recordingChanged)
		l.closing = make(chan struct{})
		l.counts = time.AfterFunc(time.Hour, l.count) // set before it runs
		l.counts.Reset(time.Until(nextHour(time.Now())))
		return l, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*live), nil
}

func release(name string) error {
	if _, err := stations.Delete(name); err != nil {
		return fmt.Errorf("closing station %s: %w", name, err)
	}
	return nil
}

// Destruct ends the station when no configuration has it any more.
func (l *live) Destruct() error {
	ctx, cancel := context.WithTimeout(context.Background(), partingTime)
	defer cancel()
	l.close(ctx)
	return nil
}

// hookPartingTime is how long hooks have for what the end of the streams brought.
const hookPartingTime = 500 * time.Millisecond

// close ends the station politely, as far as there is time.
func (l *live) close(ctx context.Context) {
	l.ending.Do(func() { close(l.closing) })
	if err := l.Close(ctx); err != nil {
		l.logger().Warn("streams were cut off", zap.Error(err))
	}
	if err := l.players.Close(ctx); err != nil {
		l.logger().Warn("fallbacks were cut off", zap.Error(err))
	}
	if l.counts.Stop() {
		l.tellAudience()
	}
	if err := l.dumps.Close(ctx); err != nil {
		l.logger().Warn("recordings were cut off", zap.Error(err))
	}
	l.relays.Close()
	l.slaves.Close()
	l.journal.close()
	ctx, cancel := context.WithTimeout(context.Background(), hookPartingTime)
	defer cancel()
	l.hooks.Close(ctx)
}

// publish puts a configuration into force.
func (l *live) publish(r *reign) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.before, r.live = l.current, l
	l.current = r
	l.apply(r)
}

// apply puts the settings of a configuration into force. mu is held.
func (l *live) apply(r *reign) {
	l.last.Store(r)
	l.Apply(r.settings)
	l.hooks.Apply(r.plan)
	l.relays.Apply(r.relays)
	l.dumps.Apply(r.recordings)
}

func (l *live) isClosing() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

// retire takes a configuration back, whether it is in force or not. If it was
// the newest, the one before it is in force again, unless that is retired too.
func (l *live) retire(r *reign) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case r.live == nil: // it was never published
	case l.current == r:
		l.current = r.before
		if r.before != nil {
			l.apply(r.before)
		}
	default:
		for c := l.current; c != nil; c = c.before {
			if c.before == r {
				c.before = r.before
			}
		}
	}
	r.before, r.live = nil, nil
	r.events.close()
}

// feedChanged tells the log what the listeners of a mount hear from now on.
func (l *live) feedChanged(c streaming.FeedChange) {
	l.logger().Info("listeners hear another stream",
		zap.String("mount", c.Home), zap.String("from", fallback.Label(c.From)), zap.String("to", fallback.Label(c.To)))
}

// logger returns the logger of the configuration that is in force. It takes no lock,
// since it is asked for under the station's, and publish takes that under ours.
func (l *live) logger() *zap.Logger {
	if r := l.last.Load(); r != nil {
		return r.log
	}
	return zap.NewNop()
}

// reign is a configuration in relation to the live station: what goes with the
// configuration and not with what lives. It does not change.
type reign struct {
	settings   *streaming.Settings
	relays     relay.Settings
	recordings recording.Settings
	log        *zap.Logger
	sites      *sites
	shoutcasts *shoutcasts
	sourceUser string // whom to feed it as
	hostname   string
	named      []string // mounts
	storage    certmagic.Storage
	plan       *hooks.Plan
	events     *caddyEvents // nil: they go nowhere

	// Guarded by live.mu.
	live   *live
	before *reign
}

func newReign(station string, settings *streaming.Settings, log *zap.Logger) *reign {
	if station != defaultStation {
		log = log.With(zap.String("station", station))
	}
	return &reign{settings: settings, log: log, sites: new(sites), shoutcasts: new(shoutcasts), sourceUser: "source"}
}
