package streaming

import "time"

const (
	// unheardTime is how long a source on demand plays without a listener.
	unheardTime = 10 * time.Second

	// unheardStep is how soon after a listener has left sources on demand are checked.
	unheardStep = time.Second
)

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
// longer used. It walks all mounts. mu is held.
func (st *Station) reconsider() {
	st.recheckAt = time.Time{}
	var again time.Duration
	heard := make(map[*Mount]bool) // or will be
	onDemand := make(map[string]bool)
	for _, m := range st.mounts {
		for g := range m.groups {
			d := st.direct(g)
			again = earlier(again, d.Again)
			for _, path := range d.StartOnDemand {
				onDemand[path] = true
				heard[st.mounts[path]] = true
			}
			heard[g.heard()] = true
		}
	}
	for _, m := range st.mounts {
		m.publishFallback()
	}
	again = earlier(again, st.stopUnheard(heard))
	st.dropUnused()
	if again > 0 {
		st.recheckWithin(again)
	}
	if st.closedAt.Load() == nil {
		for path := range onDemand {
			st.settings.Load().director().StartOnDemand(path)
		}
	}
	st.signalChanged()
	st.notify(st.clock(), true)
}

// groupLeft follows when the last listener of a group has left. It happens often, so it
// walks no mounts, and wakes those who wait for changes only if the mount is dropped. mu is
// held.
func (st *Station) groupLeft(g *listenerGroup) {
	g.mount.publishFallback()
	if st.mounts[g.mount.Path] == g.mount && st.dropIfUnused(g.mount) {
		st.signalChanged()
	}
	if heard := g.heard(); heard != nil && st.onDemand.Load() {
		heard.lastHeard = time.Now()
		st.recheckWithin(unheardStep)
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

// signalChanged wakes all that wait for Changed. mu is held.
func (st *Station) signalChanged() {
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

// stopUnheard stops sources on demand that have no listener. It returns after how long
// there may be more of them, 0 if there are none. mu is held.
func (st *Station) stopUnheard(heard map[*Mount]bool) (again time.Duration) {
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
	if m.source != nil || m.linger != nil || len(m.groups) > 0 || m.waiting > 0 {
		return false
	}
	delete(st.mounts, m.Path)
	if m.lent {
		st.forgetLog(m)
	}
	st.stopCounting(m)
	return true
}

// forgetLog keeps groups from holding the log of a mount that was dropped. mu is held.
func (st *Station) forgetLog(dropped *Mount) {
	for _, m := range st.mounts {
		for g := range m.groups {
			delete(g.heardTo, dropped.log)
		}
	}
}
