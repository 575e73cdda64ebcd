package state

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// audienceLog writes the audience of a station to the log: at each full hour, and once more
// when the station ends.
type audienceLog struct {
	write func()

	mu     sync.Mutex // held while write runs
	timer  *time.Timer
	closed bool
}

// newAudienceLog returns a log that calls write. It must be closed.
func newAudienceLog(write func()) *audienceLog {
	a := &audienceLog{write: write}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer = time.AfterFunc(untilHour(), a.run)
	return a
}

// run writes, and sets the timer for the next hour.
func (a *audienceLog) run() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.write()
	a.timer.Reset(untilHour())
}

// close stops the timer and writes for the last time. It waits for a write that is under way,
// and may be called again.
func (a *audienceLog) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.closed = true
	a.timer.Stop()
	a.write()
}

// untilHour returns how long it is until the next full hour.
func untilHour() time.Duration { return time.Until(nextHour(time.Now())) }

// nextHour returns the next full hour of local time, midnight among them.
func nextHour(now time.Time) time.Time {
	y, m, d := now.Date()
	return time.Date(y, m, d, now.Hour()+1, 0, 0, 0, now.Location())
}

// logAudience writes, to the log "icecast.audience", a line for each mount that had listeners
// today, and the last lines of days that are over.
func (st *Station) logAudience() {
	log := st.Logger().Named("audience")
	for _, d := range st.TakeAudience() {
		log.Info("audience",
			zap.String("mount", d.Mount),
			zap.String("day", d.Day.Format(time.DateOnly)),
			zap.Time("since", d.Since),
			zap.Bool("over", d.Over),
			zap.Int("listeners", d.Listeners),
			zap.Int("peak", d.Peak),
			zap.Int("sessions", d.Sessions),
			zap.Int64("listener_seconds", int64(d.Time/time.Second)),
			zap.Int("uniques", d.Uniques))
	}
}
