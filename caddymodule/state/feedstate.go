package state

import (
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// The states of what listeners of a mount hear.
const (
	feedOwn      = "own"      // the mount's source
	FeedFallback = "fallback" // what stands in for it
	feedWaiting  = "waiting"  // nothing: the source is away, and is waited for
	FeedNothing  = "nothing"
)

var FeedStates = []string{feedOwn, FeedFallback, feedWaiting, FeedNothing}

// FeedState returns what a new listener of a mount hears; m may be nil.
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

// RelayLag returns how long it is since a relay last brought sound, as long as it
// feeds its mount.
func RelayLag(l *Station, link relay.Status) (time.Duration, bool) {
	m := l.Mount(link.Mount)
	if m == nil || link.State != relay.Playing {
		return 0, false
	}
	src := m.Source()
	if src == nil || src.Upstream == "" {
		return 0, false
	}
	return src.Silence(), true
}
