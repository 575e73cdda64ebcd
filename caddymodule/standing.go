package caddymodule

import (
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// The states of what listeners of a mount hear.
const (
	feedOwn      = "own"      // the mount's source
	feedFallback = "fallback" // what stands in for it
	feedWaiting  = "waiting"  // nothing: the source is away, and is waited for
	feedNothing  = "nothing"
)

var feedStates = []string{feedOwn, feedFallback, feedWaiting, feedNothing}

// feedState returns what those hear who come to a mount now; m may be nil.
func feedState(m *streaming.Mount) string {
	if m == nil {
		return feedNothing
	}
	switch m.Heard() {
	case m.Path:
		return feedOwn
	case "":
		if _, ok := m.Stream(); ok {
			return feedWaiting
		}
		return feedNothing
	}
	return feedFallback
}

// relayLag returns how long it is since a relay last brought sound, as long as it
// feeds its mount.
func relayLag(l *live, link relay.Status) (time.Duration, bool) {
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
