package streaming

import (
	"slices"
	"time"
)

// unheardTime is how long a source on demand plays without a listener.
const unheardTime = 10 * time.Second

// FeedChange tells that the listeners of a mount hear another stream.
type FeedChange struct {
	Home     string // the mount that they asked for
	From, To string // the mounts whose streams they heard, and hear
}

// Reconsider asks the director again, after a change outside the station.
func (st *Station) Reconsider() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.reconsider()
}

// reconsider makes all listeners hear what they are to hear now, and drops what is no
// longer used. It walks all mounts, so it is for changes that may concern all of them. mu is
// held.
func (st *Station) reconsider() {
	st.recheckAt = time.Time{}
	var p pass
	for _, m := range st.mounts {
		st.index(m)
		p.direct(m)
	}
	p.again = earlier(p.again, st.stopUnheard(p.start))
	st.dropUnused()
	st.prepare(p.start, p.again)
	st.signalChanged("")
	st.notify(st.clock(), true)
}

// follow carries out what depends on a change at one mount. What it costs grows with the
// mounts that have this one as a fallback, not with all of them. mu is held.
func (st *Station) follow(path string) {
	var p pass
	for m := range st.dependents(path) {
		p.direct(m)
		st.dropIfUnused(m)
	}
	if st.onDemand.Load() || len(p.start) > 0 {
		p.again = earlier(p.again, unheardTime) // sources on demand are checked by reconsider
	}
	st.prepare(p.start, p.again)
	st.signalChanged(path)
	st.notify(st.clock(), p.switched)
}

// groupLeft follows when the last listener of a group has left. It happens often, so it
// walks no mounts, and wakes those who wait for changes only if the mount is dropped. mu is
// held.
func (st *Station) groupLeft(g *listenerGroup) {
	g.mount.publishFallback()
	if st.dropIfUnused(g.mount) {
		st.signalChanged(g.mount.Path)
	}
	if heard := g.heard(); heard != nil && st.onDemand.Load() {
		heard.lastHeard = time.Now()
		st.recheckWithin(unheardTime)
	}
}

// pass is what comes of asking the director about the listeners of some mounts.
type pass struct {
	start    []string      // mounts to be started
	again    time.Duration // when to ask again; 0: no need
	switched bool          // some listeners hear something else
}

// direct makes the listeners of a mount hear what they are to hear now. mu is held.
func (p *pass) direct(m *Mount) {
	for g := range m.groups {
		before := g.heard()
		d := m.station.direct(g)
		p.switched = p.switched || g.heard() != before
		p.again = earlier(p.again, d.Again)
		for _, path := range d.StartOnDemand {
			if !slices.Contains(p.start, path) {
				p.start = append(p.start, path)
			}
		}
	}
	m.publishFallback()
}

// prepare starts mounts on demand, and makes the director be asked again within a time, if
// that is not 0. mu is held.
func (st *Station) prepare(start []string, again time.Duration) {
	if st.closedAt.Load() != nil {
		return
	}
	if again > 0 {
		st.recheckWithin(again)
	}
	for _, path := range start {
		st.settings.Load().director().StartOnDemand(path)
	}
}

// recheckWithin makes Reconsider be called within a time. mu is held.
func (st *Station) recheckWithin(d time.Duration) {
	at := time.Now().Add(d)
	if st.closedAt.Load() != nil || !st.recheckAt.IsZero() && st.recheckAt.Before(at) {
		return
	}
	st.recheckAt = at
	st.recheck.Reset(d)
}

// signalChanged notes a change at a path, or at all mounts if that is empty, and wakes all that
// wait for Changed. mu is held.
func (st *Station) signalChanged(path string) {
	st.changes.add(path)
	close(st.changed)
	st.changed = make(chan struct{})
}

// earlier returns the shorter of two times, of which 0 is none.
func earlier(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// direct makes a group hear what it is to hear now. mu is held.
func (st *Station) direct(g *listenerGroup) Decision {
	heard := g.heard()
	m, d := st.chooseFor(g)
	switch {
	case m == heard:
	case m != nil:
		g.play(m)
		st.callbacks.feedChanged(FeedChange{Home: g.mount.Path, From: heard.Path, To: m.Path})
	case !d.Soon || st.closedAt.Load() != nil:
		g.end(g.endReason())
	}
	return d
}

// stopUnheard stops sources on demand that have no listener; those of the mounts in start
// will have some. It returns after how long there may be more of them, 0 if there are none.
// mu is held.
func (st *Station) stopUnheard(start []string) (again time.Duration) {
	if !st.onDemand.Load() {
		return 0
	}
	heard := make(map[*Mount]bool)
	for _, path := range start {
		heard[st.mounts[path]] = true
	}
	for _, m := range st.mounts {
		for g := range m.groups {
			heard[g.heard()] = true
		}
	}
	now := time.Now()
	for _, m := range st.mounts {
		if m.source == nil || !m.source.onDemand.Load() {
			continue
		}
		if heard[m] || m.waiting > 0 {
			m.lastHeard = now
			continue
		}
		last := m.source.Since
		if m.lastHeard.After(last) {
			last = m.lastHeard
		}
		if rest := unheardTime - now.Sub(last); rest > 0 {
			again = earlier(again, rest)
		} else if s := m.source; s.Reason() == Running && st.closedAt.Load() == nil {
			st.running.Go(func() { s.Stop(NoDemand) }) // not under the lock
		}
	}
	return again
}

// dropUnused drops mounts that have neither source nor listeners. mu is held.
func (st *Station) dropUnused() {
	for _, m := range st.mounts {
		st.dropIfUnused(m)
	}
}

// dropIfUnused drops a mount if it has neither source nor listeners, and reports whether it
// did. mu is held.
func (st *Station) dropIfUnused(m *Mount) bool {
	if m.source != nil || m.linger != nil || len(m.groups) > 0 || m.waiting > 0 || !m.isKept() {
		return false
	}
	delete(st.mounts, m.Path)
	st.changes.add(m.Path)
	m.flushTitle()
	m.forgetLog()
	st.stopCounting(m)
	return true
}

// isKept reports whether the mount was not dropped. mu is held.
func (m *Mount) isKept() bool { return m.station.mounts[m.Path] == m }

// forgetLog keeps groups from holding the log of a mount that was dropped. mu is held.
func (m *Mount) forgetLog() {
	for g := range m.hearers {
		delete(g.heardTo, m.log)
		delete(g.others, m)
	}
	m.hearers = nil
}
