package streaming

import (
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// NoticeKind is the kind of a notice.
type NoticeKind uint8

// The kinds of notices. The end of a listener is none of them: it goes to the station's
// observer.
const (
	SourceConnected    NoticeKind = iota + 1 // Source has the mount and is being read
	SourceDisconnected                       // Source has given the mount back; Bytes came from it
	ListenerAdded                            // Listener has its connection
	MetadataUpdated                          // the mount's stream has another title: Metadata; of many within a second, the last
	FallbackEngaged                          // listeners hear To, which is not the mount's own stream; From before
	FallbackReleased                         // no listener does so any more; To is the mount, or empty: none is left
	SourceTooFast                            // Source sends faster than real time, and has to wait; once for each source
	MountFull                                // a listener was refused for want of room, the first since there was some: Cause
	SourceAdopted                            // Source, an encoder, comes by another process, which has announced it
	ListenerAdopted                          // Listener was taken over from another process, which has announced it
)

// Notice is something that has happened to a mount. Which of the fields are
// set depends on the kind.
type Notice struct {
	Kind     NoticeKind
	Mount    *Mount
	At       time.Time
	Source   *Source
	Bytes    uint64
	Listener *Listener
	Metadata *blocklog.Metadata
	From, To string // mounts, also internal ones
	Cause    error
}

// Notify makes the station call observe with each notice: in the order in which things
// happened to a mount, and from the goroutine that calls the other observers, so it may be
// slow. It must be called before the station is used.
func (st *Station) Notify(observe func(Notice)) { st.callbacks.notices = observe }

// publish hands over a notice. It never blocks, and is called under any lock. Internal
// mounts have no notices.
func (m *Mount) publish(n Notice) {
	q := m.station.callbacks
	if q.notices == nil || m.isInternal() {
		return
	}
	n.Mount, n.At = m, time.Now()
	q.push(callback{notice: &n})
}

// titleSpacing is the least time between two notices of titles of a mount. A source may set
// thousands a second; logs, hooks and events get the last one.
const titleSpacing = time.Second

// publishSource publishes the source, once it is read, and then the title that it was given
// in the meantime.
func (m *Mount) publishSource(s *Source) {
	m.titles.Lock()
	defer m.titles.Unlock()
	m.publish(Notice{Kind: SourceConnected, Source: s})
	m.unannounced = false
	m.publishPendingTitle()
}

// holdTitles sets whether titles wait for the notice of their source. The title of a source
// that was never read is none.
func (m *Mount) holdTitles(hold bool) {
	m.titles.Lock()
	defer m.titles.Unlock()
	m.publishPendingTitle()
	m.unannounced, m.pendingTitle = hold, nil
}

// publishTitle publishes a title, later if the last one was published a moment ago. titles is
// held.
func (m *Mount) publishTitle(meta *blocklog.Metadata) {
	m.pendingTitle = meta
	switch wait := titleSpacing - time.Since(m.lastTitle); {
	case m.unannounced, m.titleTimer != nil:
	case wait > 0:
		m.titleTimer = time.AfterFunc(wait, m.flushTitle)
	default:
		m.publishPendingTitle()
	}
}

// flushTitle publishes the title that waits, if there is one, and leaves no timer.
func (m *Mount) flushTitle() {
	m.titles.Lock()
	defer m.titles.Unlock()
	m.publishPendingTitle()
}

// publishPendingTitle is flushTitle while titles is held.
func (m *Mount) publishPendingTitle() {
	if m.titleTimer != nil {
		m.titleTimer.Stop()
		m.titleTimer = nil
	}
	if m.pendingTitle == nil || m.unannounced {
		return
	}
	m.publish(Notice{Kind: MetadataUpdated, Metadata: m.pendingTitle})
	m.pendingTitle, m.lastTitle = nil, time.Now()
}

// publishFull publishes that a limit was reached, unless that was the last that happened.
func (m *Mount) publishFull(cause error) {
	if !m.full.Swap(true) {
		m.publish(Notice{Kind: MountFull, Cause: cause})
	}
}

// publishFallback publishes whether listeners of the mount have begun or ceased to hear
// another stream than its own. The station's mu is held.
func (m *Mount) publishFallback() {
	fallback, home := "", ""
	for g := range m.groups {
		switch heard := g.heard(); {
		case g.movedTo != "": // an operator's decision is no fallback
		case heard == m:
			home = m.Path
		case heard != nil && (fallback == "" || heard.Path < fallback):
			fallback = heard.Path
		}
	}
	before := m.activeFallback
	switch m.activeFallback = fallback; {
	case fallback == before:
	case fallback == "":
		m.publish(Notice{Kind: FallbackReleased, From: before, To: home})
	case before == "":
		m.publish(Notice{Kind: FallbackEngaged, From: m.Path, To: fallback})
	default:
		m.publish(Notice{Kind: FallbackEngaged, From: before, To: fallback})
	}
}
