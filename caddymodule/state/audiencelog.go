package state

import (
	"time"

	"go.uber.org/zap"
)

// count writes what is heard of the mounts to the log, and does so again in an hour.
func (l *Station) count() {
	l.tellAudience()
	if !l.IsClosing() {
		l.counts.Reset(time.Until(nextHour(time.Now())))
	}
}

// nextHour returns when the clock next shows a full hour, and so at midnight, too.
func nextHour(now time.Time) time.Time {
	y, m, d := now.Date()
	return time.Date(y, m, d, now.Hour()+1, 0, 0, 0, now.Location())
}

// tellAudience writes, to the log "icecast.audience", a line for each mount that was heard
// today, and the last ones of days that are over.
func (l *Station) tellAudience() {
	log := l.Logger().Named("audience")
	for _, d := range l.TakeAudience() {
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
