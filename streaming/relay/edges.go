package relay

import (
	"cmp"
	"slices"
	"time"
)

// maxEdgesSize bounds the edges of a report, in bytes.
const maxEdgesSize = maxReport / 4

// passedOn is what a hub passes on of what is free at one of its slaves.
type passedOn struct {
	places int
	room   map[string]int
	asOf   time.Time
}

// splitting is how a hub splits the free places of its slaves: between its masters and itself.
type splitting uint8

const (
	keepAll splitting = iota // there is no master
	passAll                  // this node sends no listeners itself
	half
)

// PassOn sets whether this node has masters, to which it passes on its slaves, and whether it
// sends listeners to these itself. If both, the masters have half of the places, so that no place
// is filled twice.
func (s *Slaves) PassOn(hasMasters, redirects bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !hasMasters:
		s.splitting = keepAll
	case !redirects:
		s.splitting = passAll
	default:
		s.splitting = half
	}
}

// split returns what this node keeps of something that is free, and what it passes on.
func (s splitting) split(free int64) (kept, passed int64) {
	switch {
	case free <= 0 || s == keepAll:
		return free, 0
	case s == passAll:
		return free, free
	}
	return free / 2, free - free/2
}

// Edges returns the slaves that take listeners of some mounts, and the slaves of those, for this
// node's own report to a master, which is none of them. Those with the most room are first; if
// there are too many for a report, others are left out.
func (s *Slaves) Edges(master string, mounts map[string]int) []Edge {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var all []Edge
	for e := range s.nodes() {
		if e.isPeer() {
			continue // it tells the others of itself
		}
		if public := *e.public.Load(); e.isOpen.Load() && len(public) > 0 && e.report.ID != master && (e.hub == nil || e.hub.report.ID != master) {
			if edge, ok := e.edge(mounts, now); ok {
				edge.Public = public
				all = append(all, edge)
			}
		}
	}
	slices.SortFunc(all, func(a, b Edge) int { return cmp.Or(cmp.Compare(b.Free, a.Free), cmp.Compare(a.ID, b.ID)) })
	size := 0
	for i := range all {
		if size += all[i].size(); i == maxEdges || size > maxEdgesSize {
			return all[:i]
		}
	}
	return all
}

// edge returns what a hub with some mounts passes on of a slave. It reports false if the slave has
// nothing for the listeners of these. mu is held.
func (e *slaveEntry) edge(mounts map[string]int, now time.Time) (Edge, bool) {
	r := &e.report
	edge := Edge{
		ID: r.ID, Region: r.Region, Capacity: e.capacity(), Free: e.passed.places, AsksMaster: r.AsksMaster,
		Age: int(now.Sub(e.passed.asOf).Milliseconds()),
	}
	var carried []string
	for mount := range mounts {
		if r.carries(mount) {
			carried = append(carried, mount)
		}
		if n, ok := e.passed.room[mount]; ok {
			if edge.Room == nil {
				edge.Room = make(map[string]int)
			}
			edge.Room[mount] = n
		}
	}
	if len(carried) < len(mounts) {
		slices.Sort(carried)
		edge.Mounts = carried
	}
	for _, mount := range r.HLS {
		if _, ok := mounts[mount]; ok && r.carries(mount) {
			edge.HLS = append(edge.HLS, mount)
		}
	}
	return edge, edge.Free > 0 && len(carried) > 0
}

// size returns about how long the edge is in a report, in bytes.
func (e *Edge) size() int {
	n := 200 + len(e.ID) + len(e.Region)
	for _, base := range e.Public {
		n += len(base) + 3
	}
	for _, mount := range e.Mounts {
		n += len(mount) + 3
	}
	for _, mount := range e.HLS {
		n += len(mount) + 3
	}
	for mount := range e.Room {
		n += len(mount) + 14
	}
	return n
}
