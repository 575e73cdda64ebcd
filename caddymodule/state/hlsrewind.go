package state

import "go.uber.org/zap"

// rewindChanged logs that segments of a mount are missing in its long list, and that none is any
// more.
func (st *Station) rewindChanged(mount string, err error) {
	log := st.Logger().With(zap.String("mount", mount))
	if err != nil {
		log.Error("segments are missing in the rewind of a mount; its stream goes on", zap.Error(err))
		return
	}
	log.Info("segments are stored again for the rewind of a mount")
}
