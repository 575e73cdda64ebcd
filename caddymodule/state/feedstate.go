package state

import (
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// The states of a mount's feed, which is what its listeners hear.
const (
	feedOwn      = "own"      // the mount's source
	FeedFallback = "fallback" // a fallback
	feedWaiting  = "waiting"  // nothing yet: the source is away, within its linger
	FeedNothing  = "nothing"
)

// FeedStates are all states of a feed.
var FeedStates = []string{feedOwn, FeedFallback, feedWaiting, FeedNothing}

// FeedState returns the state of a mount's feed; m may be nil.
func FeedState(m *streaming.MountStatus) string {
	switch {
	case m == nil || !m.OnAir:
		return FeedNothing
	case m.Playing == m.Path:
		return feedOwn
	case m.Playing == "":
		return feedWaiting
	}
	return FeedFallback
}

// RelayLag returns the time since a relay last received sound. It reports false unless the relay
// feeds its mount.
func (st *Station) RelayLag(link relay.Status) (time.Duration, bool) {
	m := st.Mount(link.Mount)
	if m == nil || link.State != relay.Playing {
		return 0, false
	}
	src := m.Source()
	if src == nil || src.Upstream == "" {
		return 0, false
	}
	return src.Silence(), true
}
