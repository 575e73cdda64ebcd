package caddymodule

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// relaySettings translates what the station pulls.
func (s *Station) relaySettings(ctx caddy.Context) (relay.Settings, error) {
	var settings relay.Settings
	for _, r := range s.Relays {
		one, err := r.settings(ctx)
		if err != nil {
			return settings, err
		}
		settings.Relays = append(settings.Relays, one)
	}
	if s.Slave != nil {
		var err error
		if settings.Slave, err = s.Slave.settings(ctx, s.report); err != nil {
			return settings, err
		}
	}
	return settings, nil
}

// offered returns the mounts that somebody who asks would hear, slaves included: those
// that have a source, or had one, those with a fallback, and those that are pulled on
// demand. Where a pattern has a fallback, anybody can make a mount up by listening to it; those
// are left out, since slaves would pull all of them, and keep them alive by that.
func (s *Station) offered() []string {
	paths := make(map[string]bool)
	for _, m := range s.live.Mounts() {
		if !m.IsAdHoc() {
			paths[m.Path] = true
		}
	}
	for _, m := range s.Mounts {
		if !mountpath.IsPattern(m.Path) {
			paths[m.Path] = true
		}
	}
	for _, mount := range s.live.relays.Mounts() {
		paths[mount] = true
	}
	maps.DeleteFunc(paths, func(p string, _ bool) bool { return !s.live.Offers(p) })
	return slices.Sorted(maps.Keys(paths))
}

// report tells a master how this station stands as a slave.
func (s *Station) report() relay.Report {
	capacity := s.Limits.Listeners
	if files := maxFiles(); capacity == 0 || files > 0 && files < capacity {
		capacity = files
	}
	r := relay.Report{
		Capacity:   capacity,
		Listeners:  int(s.live.Listeners()),
		MaxKbps:    s.Limits.Bandwidth,
		Kbps:       s.live.traffic.kbps(s.live.Station),
		Mounts:     make(map[string]int),
		Downstream: s.live.slaves.Downstream(),
	}
	for _, p := range s.offered() {
		r.Mounts[p] = 0
		if m := s.live.Mount(p); m != nil {
			r.Mounts[p] = int(m.Stats().Listeners)
		}
	}
	return r
}

// traffic measures how much a station sends.
type traffic struct {
	mu    sync.Mutex
	at    time.Time
	sent  map[string]uint64 // by mount, at that time
	speed int               // kbit/s
}

// kbps returns how many kbit/s were sent since it was last asked, a second ago at
// least.
func (t *traffic) kbps(st *streaming.Station) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	elapsed := now.Sub(t.at)
	if elapsed < time.Second {
		return t.speed
	}
	sent := make(map[string]uint64)
	var fresh uint64
	for _, m := range st.Mounts() {
		n := m.Stats().BytesSent
		sent[m.Path] = n
		if before := t.sent[m.Path]; n >= before {
			fresh += n - before
		}
	}
	if !t.at.IsZero() {
		t.speed = int(float64(fresh) * 8 / 1000 / elapsed.Seconds())
	}
	t.at, t.sent = now, sent
	return t.speed
}

// relayChanged tells the log, and the outside world, of relays, masters and slaves
// that come and go.
func (l *live) relayChanged(e relay.Event) {
	log := l.logger()
	l.announceRelay(e)
	switch e.Kind {
	case relay.Up:
		log.Info("relay connected", zap.String("mount", e.Mount), zap.String("upstream", e.Upstream))
	case relay.Down:
		log.Info("relay disconnected", zap.String("mount", e.Mount), zap.String("upstream", e.Upstream),
			zap.String("reason", e.Cause), zap.Duration("duration", e.Duration))
	case relay.Failed:
		log.Warn("a relay can't be played; it is tried again and again", zap.String("mount", e.Mount), zap.String("error", e.Cause))
	case relay.SlaveJoined:
		log.Info("slave joined", zap.String("slave", e.Slave))
	case relay.SlaveLeft:
		log.Info("slave left", zap.String("slave", e.Slave), zap.String("reason", e.Cause))
	case relay.MasterUp:
		log.Info("the master's list is known", zap.String("master", e.Upstream))
	case relay.MasterDown:
		log.Warn("the master does not tell its list; what is known of it stays, and it is asked again and again",
			zap.String("master", e.Upstream), zap.String("error", e.Cause))
	}
}
