package streaming

// MountStats are the counters of a mount. They count from the time at which the
// mount came to be, which is mostly when its source did.
type MountStats struct {
	Listeners   int64 // now
	Slaves      int64 // that replicate the mount
	Peak        int64 // the most at a time
	Connections int64 // listeners that have come
	Slow        int64 // listeners that were dropped because they were too slow
	BytesRead   uint64
	BytesSent   uint64
}

// Stats returns the counters as they are now.
func (m *Mount) Stats() MountStats {
	return MountStats{
		Listeners:   m.listeners.Load(),
		Slaves:      m.slaves.Load(),
		Peak:        m.peak.Load(),
		Connections: m.connections.Load(),
		Slow:        m.slow.Load(),
		BytesRead:   m.bytesRead.Load(),
		BytesSent:   m.bytesSent.Load(),
	}
}
