package streaming

import (
	"runtime/debug"
	"time"
)

const (
	// manyArrivals is how many listeners have to arrive before the garbage that they leave
	// behind is worth an effort.
	manyArrivals = 250

	// releaseDelay is how long no listener arrives before memory is released.
	releaseDelay = 2 * time.Second
)

// releaseMemory gives memory back to the system. What a request and a handshake need is
// garbage as soon as the listener is served, and several times what the listener is from
// then on; Go would return it over minutes, or never, as there is nothing more to collect.
func (st *Station) releaseMemory() {
	st.arrivals.Store(0)
	debug.FreeOSMemory()
}

// countArrival counts a listener that may be one of many.
func (st *Station) countArrival() {
	if st.arrivals.Add(1) >= manyArrivals {
		st.releaseTimer.Reset(releaseDelay)
	}
}
