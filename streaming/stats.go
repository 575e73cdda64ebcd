package streaming

import "sync/atomic"

// MountStats are the counters of a mount. They count from its creation, which is mostly
// the arrival of its source.
type MountStats struct {
	Listeners   int64  // now, slaves not counted
	Slaves      int64  // that replicate the mount now
	Peak        int64  // the most listeners at a time
	Connections int64  // listeners that have come
	Sources     uint64 // that have come
	Slow        int64  // listeners that were dropped because they were too slow
	BytesRead   uint64
	BytesSent   uint64
}

// Stats returns the counters as they are now.
func (m *Mount) Stats() MountStats {
	return MountStats{
		Listeners:   m.present.listeners(),
		Slaves:      m.present.slaves.Load(),
		Peak:        m.peak.Load(),
		Connections: m.connections.Load(),
		Sources:     m.sources.Load(),
		Slow:        m.slow.Load(),
		BytesRead:   m.bytesRead.Load(),
		BytesSent:   m.bytesSent.Load(),
	}
}

// totals count what has come since the station began.
type totals struct{ listeners, sources, relays atomic.Uint64 }

// StationStats are the counters of a station. They count from its beginning.
type StationStats struct {
	Listeners           int64  // now, without slaves
	Slaves              int64  // now
	Sources             int    // now, relays among them
	ListenerConnections uint64 // that have come, without slaves
	SourceConnections   uint64 // of encoders
	RelayConnections    uint64 // of relays to their upstreams
}

// Stats returns the counters as they are now.
func (st *Station) Stats() StationStats {
	st.mu.RLock()
	sources := st.external
	st.mu.RUnlock()
	return StationStats{
		Listeners:           st.Listeners(),
		Slaves:              st.present.slaves.Load(),
		Sources:             sources,
		ListenerConnections: st.totals.listeners.Load(),
		SourceConnections:   st.totals.sources.Load(),
		RelayConnections:    st.totals.relays.Load(),
	}
}
