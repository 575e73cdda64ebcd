package streaming

import (
	"time"

	"github.com/caddycast/caddycast/streaming/audience"
)

// Audience returns how each mount is heard today, up to now, and was heard on days that are
// over and that TakeAudience has yet to return.
func (st *Station) Audience() []audience.Day {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.audience.Days(time.Now(), false)
}

// TakeAudience is Audience for a caller that stores the days that are over: each is
// returned once.
func (st *Station) TakeAudience() []audience.Day {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.audience.Days(time.Now(), true)
}

// visitor returns what the audience is counted by.
func (c *Client) visitor() audience.Visitor { return audience.Visitor{IP: c.IP, Agent: c.Agent} }
