package state

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming"
)

const (
	// drainTick is the time between two looks at who is to end. The listeners whose turn it is
	// end together, since each time costs a look at all.
	drainTick = 100 * time.Millisecond

	// drainGrace is how long listeners that are behind have, after the window, to reach a whole frame.
	drainGrace = 2 * time.Second

	// drainSources is how long it takes at most to end all sources.
	drainSources = 10 * time.Second

	// DefaultDrain is the window of a drain without one, MaxDrain the longest.
	DefaultDrain = 5 * time.Minute
	MaxDrain     = 24 * time.Hour
)

// Drain is the end of a station's service, spread over a window: no listener and no source is
// taken, and the listeners that are there end one by one, at random. When they are gone the
// sources end, the oldest one last. The station itself stays, and may be undrained.
type Drain struct {
	Since, Until time.Time
	Listeners    int // when it began

	mounts  map[string]bool // that there were
	isFinal bool            // the process ends after it; drainMu of the station guards it

	ended atomic.Int64  // listeners that were ended
	stop  chan struct{} // closed by Undrain and at the end of the station
	done  chan struct{} // closed when listeners and sources are gone, or it was stopped
	gone  atomic.Bool   // they are gone

	stopping sync.Once
}

// The errors of Undrain.
var (
	ErrNotDrained  = errors.New("the station is not drained")
	ErrProcessEnds = errors.New("the process is about to end; expected one that stays")
)

// ParseWindow parses the window of a drain, such as 5m; empty: DefaultDrain.
func ParseWindow(text string) (time.Duration, error) {
	if text == "" {
		return DefaultDrain, nil
	}
	over, ok := setting.ParseDuration(text)
	if !ok || over > MaxDrain {
		return 0, fmt.Errorf("over: invalid duration %.100q; expected one such as 5m, at most 24h", text)
	}
	return over, nil
}

// Had reports whether the station had a mount when the drain began.
func (d *Drain) Had(mount string) bool { return d.mounts[mount] }

// Ended returns how many listeners were ended.
func (d *Drain) Ended() int { return int(d.ended.Load()) }

// IsOver reports whether all listeners and sources are gone.
func (d *Drain) IsOver() bool { return d.gone.Load() }

// Done returns a channel that is closed when all listeners and sources are gone, or the station
// was undrained.
func (d *Drain) Done() <-chan struct{} { return d.done }

// Draining returns the drain of the station; nil: it takes listeners.
func (st *Station) Draining() *Drain { return st.draining.Load() }

// TakesSource reports whether the station takes a source of a mount. A drained one does so only if the
// mount still has listeners, or waits for the source, or has a source that may be taken over.
func (st *Station) TakesSource(path string) bool {
	if st.Draining() == nil {
		return true
	}
	m := st.Mount(path)
	switch {
	case m == nil:
		return false
	case m.Source() != nil:
		return m.Settings().Takeover
	}
	offer := st.Offer(path)
	return m.Stats().Listeners > 0 || offer.Awaited
}

// Drain begins a drain over a window. A second one replaces the first, and begins anew.
func (st *Station) Drain(over time.Duration) *Drain {
	st.drainMu.Lock()
	defer st.drainMu.Unlock()
	mounts := make(map[string]bool)
	if before := st.endDrain(); before != nil {
		maps.Copy(mounts, before.mounts)
		if !before.IsOver() {
			st.announceDrained(before, "replaced")
		}
	}
	for _, m := range st.Mounts() {
		mounts[m.Path] = true
	}
	now := time.Now()
	d := &Drain{
		Since: now, Until: now.Add(over), Listeners: int(st.Listeners()), mounts: mounts,
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	st.draining.Store(d)
	st.relays.ReportSoon()
	st.Logger().Info("drain started", zap.Duration("over", over), zap.Int("listeners", d.Listeners))
	st.announce(hooks.DrainStarted, "", hooks.Seconds("duration", over), hooks.Count("listeners", d.Listeners))
	go st.runDrain(d) // endDrain ends it, and waits
	return d
}

// DrainToEnd drains the station over a window, and waits until all listeners and sources are gone.
// Without a window it does nothing. A drain that has begun already ends within the window.
func (st *Station) DrainToEnd(over time.Duration) {
	if over <= 0 {
		return
	}
	d := st.Draining()
	if d == nil || time.Until(d.Until) > over {
		d = st.Drain(over)
	}
	st.drainMu.Lock()
	d.isFinal = true
	st.drainMu.Unlock()
	<-d.Done()
}

// Undrain takes listeners and sources again. The error is ErrNotDrained or ErrProcessEnds.
func (st *Station) Undrain() error {
	st.drainMu.Lock()
	defer st.drainMu.Unlock()
	d := st.Draining()
	switch {
	case d == nil:
		return ErrNotDrained
	case d.isFinal:
		return ErrProcessEnds
	}
	st.endDrain()
	st.relays.ReportSoon()
	st.Logger().Info("drain ended; listeners and sources are taken again")
	if !d.IsOver() {
		st.announceDrained(d, "undrained")
	}
	return nil
}

// stopDrain ends what a drain does. The station stays drained.
func (st *Station) stopDrain() {
	st.drainMu.Lock()
	defer st.drainMu.Unlock()
	if d := st.draining.Load(); d != nil {
		d.halt()
	}
}

// halt ends what the drain does.
func (d *Drain) halt() {
	d.stopping.Do(func() { close(d.stop) })
	<-d.done
}

// endDrain ends a drain and returns it; nil: there is none. drainMu is held.
func (st *Station) endDrain() *Drain {
	d := st.draining.Swap(nil)
	if d != nil {
		d.halt()
	}
	return d
}

// runDrain ends the listeners of a drain, and then the sources.
func (st *Station) runDrain(d *Drain) {
	defer close(d.done)
	if !st.endListeners(d) || !st.endSources(d) {
		return
	}
	d.gone.Store(true)
	st.Logger().Info("drained", zap.Int("listeners", d.Ended()), zap.Duration("duration", time.Since(d.Since)))
	st.announceDrained(d, "drained")
}

func (st *Station) announceDrained(d *Drain, reason string) {
	st.announce(hooks.DrainEnded, "", hooks.Count("listeners", d.Ended()), hooks.Seconds("duration", time.Since(d.Since)), hooks.Text("reason", reason))
}

// endListeners ends the listeners, spread over the window. It reports false if the drain was stopped.
func (st *Station) endListeners(d *Drain) bool {
	all := st.drainable()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	for next := 0; ; {
		now := time.Now()
		for due := d.due(now, len(all)); next < due; next++ {
			if all[next].Reason() == streaming.Running {
				all[next].Part(streaming.Drained)
				d.ended.Add(1)
			}
		}
		switch {
		case st.Listeners() == 0:
			return true
		case now.After(d.Until.Add(drainGrace)): // who is behind, or came in the last moment
			for _, l := range st.drainable() {
				l.Remove(streaming.Drained)
			}
		}
		if !d.wait(tick) {
			return false
		}
	}
}

// due returns how many of some listeners are to have ended by a time.
func (d *Drain) due(now time.Time, all int) int {
	window, passed := d.Until.Sub(d.Since), now.Sub(d.Since)
	if passed >= window {
		return all
	}
	return int(float64(all) * passed.Seconds() / window.Seconds())
}

// drainable returns the listeners, without slaves: these get the streams to the end.
func (st *Station) drainable() (all []*streaming.Listener) {
	for _, s := range st.Snapshot("") {
		if !s.Client.Slave {
			all = append(all, s.Listener)
		}
	}
	return all
}

// endSources ends the sources that are no relays, the oldest one last. It reports false if the drain
// was stopped.
func (st *Station) endSources(d *Drain) bool {
	var all []*streaming.Source
	for _, m := range st.Mounts() {
		if src := m.Source(); src != nil && src.Upstream == "" {
			all = append(all, src)
		}
	}
	slices.SortFunc(all, func(a, b *streaming.Source) int { return b.Since.Compare(a.Since) })
	tick := time.NewTicker(min(drainTick, drainSources/time.Duration(max(1, len(all)))))
	defer tick.Stop()
	for _, src := range all {
		src.Stop(streaming.Drained)
		if !d.wait(tick) {
			return false
		}
	}
	return true
}

// wait waits for the next tick. It reports false if the drain was stopped.
func (d *Drain) wait(tick *time.Ticker) bool {
	select {
	case <-tick.C:
		return true
	case <-d.stop:
		return false
	}
}
