package relay

import (
	"sync"
	"time"
)

// viewInterval is the shortest time between two snapshots of the slaves.
const viewInterval = 100 * time.Millisecond

// slaveView is a snapshot of the slaves that take listeners. It does not change, except that
// lists of candidates are added as they are needed.
type slaveView struct {
	made    time.Time
	slaves  []viewedSlave
	regions map[string]bool // that slaves are in
	lists   sync.Map        // the *candidates of each listKey
}

// viewedSlave is a slave as it was when the snapshot was made. What is left there is in the
// entry.
type viewedSlave struct {
	*slaveEntry
	report Report
	rooms  map[string]*quota
	public []string
}

// listKey is what a list of candidates is for.
type listKey struct {
	mount, scheme, region string
	protected, hls        bool
}

// snapshot returns the slaves. A change is seen after viewInterval at the latest; whoever
// comes first after that makes the new snapshot, and nobody waits for it.
func (s *Slaves) snapshot() *slaveView {
	v := s.view.Load()
	if v != nil && (!s.changed.Load() || s.now().Sub(v.made) < viewInterval) {
		return v
	}
	if v == nil {
		s.mu.Lock()
	} else if !s.mu.TryLock() {
		return v
	}
	defer s.mu.Unlock()
	s.changed.Store(false)
	v = &slaveView{made: s.now(), slaves: make([]viewedSlave, 0, len(s.entries)), regions: make(map[string]bool)}
	for e := range s.nodes() {
		if public := *e.public.Load(); e.isOpen.Load() && len(public) > 0 {
			v.slaves = append(v.slaves, viewedSlave{e, e.report, e.rooms, public})
			v.regions[e.report.Region] = true
		}
	}
	if own := s.own; own != nil && own.isOpen.Load() {
		v.slaves = append(v.slaves, viewedSlave{own, own.report, own.rooms, own.report.Public})
		v.regions[own.report.Region] = true
	}
	s.view.Store(v)
	return v
}

// byRegion returns the candidates of the region of a listener, nil if it has no slaves, and those
// of all regions.
func (v *slaveView) byRegion(q PickQuery) (near, all *candidates) {
	if q.Region != "" && v.regions[q.Region] { // no request makes a list for a region of its own
		near = v.candidates(&q)
	}
	q.Region = ""
	return near, v.candidates(&q)
}

// candidates returns the candidates for listeners of a mount.
func (v *slaveView) candidates(q *PickQuery) *candidates {
	key := listKey{q.Mount, q.Scheme, q.Region, q.Protected, q.HLS}
	if l, ok := v.lists.Load(key); ok {
		return l.(*candidates)
	}
	l, _ := v.lists.LoadOrStore(key, newCandidates(v.slaves, q))
	return l.(*candidates)
}
