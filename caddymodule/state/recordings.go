package state

import (
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming/recording"
)

// recordingChanged logs and announces an event of a recording.
func (st *Station) recordingChanged(e recording.Event) {
	log := st.Logger().With(zap.String("mount", e.Mount))
	switch e.Kind {
	case recording.Started:
		log.Info("recording started", zap.String("file", e.File))
		st.announce(hooks.RecordingStarted, e.Mount, hooks.Text("file", e.File))
	case recording.Ended:
		log.Info("recording ended", zap.String("file", e.File), zap.Int64("bytes", e.Bytes), zap.Duration("duration", e.Duration))
		st.announce(hooks.RecordingEnded, e.Mount, hooks.Text("file", e.File), hooks.Count("bytes", e.Bytes), hooks.Seconds("duration", e.Duration))
	case recording.Failed:
		log.Error("recording failed; retrying", zap.String("file", e.File), zap.Error(e.Err))
	case recording.Behind:
		log.Warn("disk too slow for a recording; data dropped", zap.Int64("bytes", e.Bytes))
	}
}
