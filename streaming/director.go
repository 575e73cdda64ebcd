package streaming

import "time"

// Director decides what the listeners of a mount hear. It is asked while the
// station's lock is held, so it must not call back, but by the functions it is
// given.
type Director interface {
	// Choose says what listeners are to hear now.
	Choose(q Query) Decision

	// HasFallback tells whether something may be heard at a path that has no source.
	HasFallback(path string) bool

	// Overflow returns the mounts that may take listeners for whom one has no
	// place, the best first.
	Overflow(path string) []string

	// StartOnDemand begins to feed a mount that Choose has asked for. It returns at
	// once, and is called as often as the mount is asked for.
	StartOnDemand(path string)
}

// Query is about those listeners of a mount who were promised the same.
type Query struct {
	Home  string // the mount that they asked for
	Type  string // format.Kind of what they were promised; empty: they have just come
	Heard string // the mount whose stream they hear; empty: none yet
	Now   time.Time
	State func(path string) State
}

// State is what a mount has to offer of its own. The zero value is nothing.
type State struct {
	Live  bool
	Waits bool      // its source is away and may come back, or has come and sent nothing yet
	Type  string    // format.Kind of what its source sends, or sent
	Since time.Time // when it went live
}

// Usable tells whether those who were promised a type may stay with it.
func (s State) Usable(typ string) bool {
	return (s.Live || s.Waits) && (typ == "" || s.Type == typ)
}

// Decision is the answer.
type Decision struct {
	Hear          string        // the mount whose stream they are to hear; empty: there is none
	StartOnDemand []string      // mounts that would be better, and are fed if they are asked for
	Soon          bool          // one of those is about to be heard, so who hears nothing waits
	Again         time.Duration // ask again by then even if nothing changes; 0: no need
}

// noFallbacks is the director of a station without fallbacks.
type noFallbacks struct{}

func (noFallbacks) Choose(q Query) Decision {
	if q.State(q.Home).Usable(q.Type) {
		return Decision{Hear: q.Home}
	}
	return Decision{}
}

func (noFallbacks) HasFallback(string) bool  { return false }
func (noFallbacks) Overflow(string) []string { return nil }
func (noFallbacks) StartOnDemand(string)     {}

// state says what a mount has to offer. mu is held.
func (st *Station) state(path string) State {
	m := st.mounts[path]
	if m == nil || m.own == nil {
		return State{}
	}
	live := m.source != nil && m.announced
	return State{Live: live, Waits: !live && (m.source != nil || m.linger != nil), Type: m.own.kind, Since: m.liveSince}
}

// choose asks the director. mu is held.
func (st *Station) choose(home *Mount, typ, heard string) (*Mount, Decision) {
	c := st.settings.Load().director().Choose(Query{
		Home: home.Path, Type: typ, Heard: heard, Now: time.Now(), State: st.state,
	})
	if c.Hear == "" || st.state(c.Hear) == (State{}) {
		return nil, c
	}
	return st.mounts[c.Hear], c
}

// reconsider lets all listeners hear what they are to hear now, and drops what
// nobody needs any more. mu is held.
func (st *Station) reconsider() {
	var again time.Duration
	wanted := make(map[*Mount]bool)
	summoned := make(map[string]bool)
	for _, m := range st.mounts {
		for l := range m.lanes {
			c := st.direct(l)
			if c.Again > 0 && (again == 0 || c.Again < again) {
				again = c.Again
			}
			for _, path := range c.StartOnDemand {
				summoned[path] = true
				wanted[st.mounts[path]] = true
			}
			wanted[l.heard()] = true
		}
	}
	for _, m := range st.mounts {
		m.tellStandIn()
	}
	if rest := st.dismiss(wanted); rest > 0 && (again == 0 || rest < again) {
		again = rest
	}
	st.tidy()
	if st.closedAt.Load() == nil {
		if again > 0 {
			st.again.Reset(again)
		}
		for path := range summoned {
			st.settings.Load().director().StartOnDemand(path)
		}
	}
	close(st.changed)
	st.changed = make(chan struct{})
	st.notify(st.clock(), true)
}

// direct lets a lane hear what it is to hear now. mu is held.
func (st *Station) direct(l *lane) Decision {
	heard := l.heard()
	m, c := st.chooseFor(l)
	switch {
	case m == heard:
	case m != nil:
		l.hear(m)
		st.departures.tell(FeedChange{Home: l.mount.Path, From: heard.Path, To: m.Path})
	case !c.Soon || st.closedAt.Load() != nil:
		l.end(l.endReason())
	}
	return c
}

// summonedFor is how long a summoned source plays to nobody.
const summonedFor = 10 * time.Second

// dismiss stops summoned sources that nobody wants. It returns after how long
// there may be more of them, 0 if there are none. mu is held.
func (st *Station) dismiss(wanted map[*Mount]bool) (again time.Duration) {
	now := time.Now()
	for _, m := range st.mounts {
		if m.source == nil || !m.source.onDemand.Load() {
			continue
		}
		if wanted[m] || m.awaited > 0 {
			m.wantedAt = now
			continue
		}
		last := m.source.Since
		if m.wantedAt.After(last) {
			last = m.wantedAt
		}
		if rest := summonedFor - now.Sub(last); rest > 0 {
			if again == 0 || rest < again {
				again = rest
			}
		} else {
			go m.source.Stop(NoDemand)
		}
	}
	return again
}

// tidy drops mounts that have neither source nor listeners. mu is held.
func (st *Station) tidy() {
	for path, m := range st.mounts {
		if m.source == nil && m.linger == nil && len(m.lanes) == 0 && m.awaited == 0 {
			delete(st.mounts, path)
			st.forget(m)
			st.uncount(m)
		}
	}
}

// forget keeps lanes from holding on to a mount that is no more. mu is held.
func (st *Station) forget(gone *Mount) {
	for _, m := range st.mounts {
		for l := range m.lanes {
			delete(l.left, gone.log)
		}
	}
}

// Reconsider asks the director again, after something has changed that the
// station does not know of.
func (st *Station) Reconsider() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.reconsider()
}

// FeedChange tells that the listeners of a mount hear another stream.
type FeedChange struct {
	Home     string // the mount that they asked for
	From, To string // the mounts whose streams they heard, and hear
}
