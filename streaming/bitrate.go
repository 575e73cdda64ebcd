package streaming

import (
	"strconv"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// Kbps returns the bitrate of what new listeners of the mount hear, in kbit/s; 0: unknown.
func (m *Mount) Kbps() int {
	st := m.station
	st.mu.RLock()
	defer st.mu.RUnlock()
	if heard, _ := st.choose(m, promise{}, ""); heard != nil {
		return heard.sourceKbps()
	}
	return 0
}

// sourceKbps returns the bitrate of what a mount's source sends, in kbit/s and rounded up:
// by the sound in its log, where its format tells how long it sounds, else as it came in
// the last seconds, else as the source declares it. mu of the station is held.
func (m *Mount) sourceKbps() int {
	if kbps := m.log.Kbps(); kbps > 0 {
		return kbps
	}
	if m.source != nil {
		if kbps := blocklog.Kbps(uint64(m.source.Bitrate()/8), time.Second); kbps > 0 {
			return kbps
		}
	}
	if m.stream != nil {
		if kbps, err := strconv.Atoi(m.stream.Info.Bitrate); err == nil && kbps > 0 && kbps <= blocklog.MaxBitrate {
			return kbps
		}
	}
	return 0
}
