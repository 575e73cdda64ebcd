package caddymodule

import (
	"slices"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/fallbacks"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/streaming"
)

// warn logs settings that are valid, but cannot mean what was meant.
func (r *resolver) warn(log *zap.Logger) {
	if l := r.station.Limits; l.Burst != nil || l.Queue > 0 {
		warnQueue(log, "", l.Burst, l.Queue)
	}
	r.warnOfCaching(log)
	r.warnOfGroups(log)
	for _, m := range r.station.Mounts {
		if slices.ContainsFunc(r.fallbacks[m], m.is) {
			log.Warn("fallback to the mount itself is never heard", zap.String("mount", m.Path))
		}
		if m.Burst != nil || m.Queue > 0 {
			merged := r.mounts.get(m.Path)
			warnQueue(log, m.Path, merged.Burst, merged.Queue)
		}
		if o := m.Dump.options(); o != nil {
			setting.WarnMissing(log, m.Path, "dump", o.Pattern)
		}
	}
}

// is reports whether a fallback is the mount itself. Among the mounts of a pattern that is usual.
func (m *Mount) is(f fallbacks.Module) bool {
	other, ok := f.(*fallbacks.Mount)
	return ok && other.Mount == m.Path
}

// warnQueue logs a queue that is too short for the burst.
func warnQueue(log *zap.Logger, mount string, b *Burst, queue int) {
	burst := streaming.DefaultBurst.Bytes
	if b != nil {
		burst = b.Bytes
	}
	if queue > 0 && queue < 2*burst {
		log.Warn("queue is less than twice the burst, and is enlarged to that",
			zap.String("mount", mount), zap.Int("queue", queue), zap.Int("burst", burst))
	}
}
