package streaming

import (
	"runtime/debug"
	"time"
)

const (
	// crowd is how many listeners have to come before it is worth a thought what
	// they leave behind.
	crowd = 250

	// settleTime is how long nobody comes before the crowd has settled.
	settleTime = 2 * time.Second
)

// settle gives memory back. What a request and a handshake need is garbage as soon
// as the listener is served, and several times what the listener is from then on;
// Go would give it back to the system over minutes, or never, as there is nothing
// more to collect.
func (st *Station) settle() {
	st.crowd.Store(0)
	debug.FreeOSMemory()
}

// arrived counts a listener that may be one of a crowd.
func (st *Station) arrived() {
	if st.crowd.Add(1) >= crowd {
		st.settling.Reset(settleTime)
	}
}
