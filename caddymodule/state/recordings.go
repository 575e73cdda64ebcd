package state

import (
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming/recording"
)

// recordingChanged tells of files that are begun and complete.
func (l *Station) recordingChanged(e recording.Event) {
	log := l.Logger().With(zap.String("mount", e.Mount))
	switch e.Kind {
	case recording.Started:
		log.Info("recording started", zap.String("file", e.File))
		l.announce(hooks.RecordingStarted, e.Mount, hooks.Text("file", e.File))
	case recording.Ended:
		log.Info("recording ended", zap.String("file", e.File), zap.Int64("bytes", e.Bytes), zap.Duration("duration", e.Duration))
		l.announce(hooks.RecordingEnded, e.Mount, hooks.Text("file", e.File), hooks.Count("bytes", e.Bytes), hooks.Seconds("duration", e.Duration))
	case recording.Failed:
		log.Error("a recording can't be written; it is tried again and again", zap.String("file", e.File), zap.Error(e.Err))
	case recording.Behind:
		log.Warn("the disk is too slow for a recording; what it could not take is left out", zap.Int64("bytes", e.Bytes))
	}
}
