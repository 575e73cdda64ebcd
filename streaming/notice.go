package streaming

import (
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// NoticeKind is what a notice tells of.
type NoticeKind uint8

// The notices. A listener that ends has none: the station's observer is told.
const (
	SourceConnected    NoticeKind = iota + 1 // Source has the mount and is being read
	SourceDisconnected                       // Source has given the mount back; Bytes came from it
	ListenerAdded                            // Listener has its connection
	MetadataUpdated                          // the mount's stream has another title: Metadata
	FallbackEngaged                          // listeners hear To, which is not the mount's own stream; From before
	FallbackReleased                         // none of them does so any more; To is the mount, or empty: nobody is left
	MountFull                                // a listener found no place, the first since there was one: Cause
)

// Notice tells of something that has happened to a mount. Which of the fields are
// set depends on the kind.
type Notice struct {
	Kind     NoticeKind
	Mount    *Mount
	At       time.Time
	Source   *Source
	Bytes    uint64
	Listener *Listener
	Metadata *blocklog.Metadata
	From, To string // mounts, also those that only feed others
	Cause    error
}

// Notify makes the station call tell with each notice: in the order in which
// things happened to a mount, and from the goroutine that calls the observer, so
// it may be slow. It must be called before the station is used.
func (st *Station) Notify(tell func(Notice)) { st.departures.notices = tell }

// tell hands over a notice. It never blocks, and is called under any lock. What
// happens to mounts that only feed others is nobody's business.
func (m *Mount) tell(n Notice) {
	d := m.station.departures
	if d.notices == nil || m.isInternal() {
		return
	}
	n.Mount, n.At = m, time.Now()
	d.push(departure{notice: &n})
}

// tellSource tells of the source, once it is read, and then of the title that it was given
// in the meantime.
func (m *Mount) tellSource(s *Source) {
	m.titles.Lock()
	defer m.titles.Unlock()
	m.tell(Notice{Kind: SourceConnected, Source: s})
	if m.held != nil {
		m.tell(Notice{Kind: MetadataUpdated, Metadata: m.held})
	}
	m.untold, m.held = false, nil
}

// holdTitles keeps the mount from telling of titles until it has told of its source, if
// there is one to tell of.
func (m *Mount) holdTitles(hold bool) {
	m.titles.Lock()
	defer m.titles.Unlock()
	m.untold, m.held = hold, nil
}

// tellFull tells that there is no place for somebody, unless that is known.
func (m *Mount) tellFull(cause error) {
	if !m.full.Swap(true) {
		m.tell(Notice{Kind: MountFull, Cause: cause})
	}
}

// tellStandIn tells whether listeners of the mount have begun or ceased to hear
// another stream than its own. The station's mu is held.
func (m *Mount) tellStandIn() {
	standIn, home := "", ""
	for l := range m.lanes {
		switch heard := l.heard(); {
		case l.moved != "": // by somebody, who knows
		case heard == m:
			home = m.Path
		case heard != nil && (standIn == "" || heard.Path < standIn):
			standIn = heard.Path
		}
	}
	before := m.standIn
	switch m.standIn = standIn; {
	case standIn == before:
	case standIn == "":
		m.tell(Notice{Kind: FallbackReleased, From: before, To: home})
	case before == "":
		m.tell(Notice{Kind: FallbackEngaged, From: m.Path, To: standIn})
	default:
		m.tell(Notice{Kind: FallbackEngaged, From: before, To: standIn})
	}
}
