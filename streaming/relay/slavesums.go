package relay

import (
	"maps"
	"reflect"
	"slices"
	"sync"
)

// slaveSums are the sums of the listeners of all slaves, by mount. A report changes only those
// of its own changes. mu of Slaves guards it, and its own lock the sums that are read without.
type slaveSums struct {
	self string

	mu  *sync.RWMutex
	all map[string]int // at all slaves and those below them, each once

	further map[string]int // those that the reports of this node have: without nodes that another master counts
	nodes   map[string]int // how many slaves count the node with an id among those below them
	byID    map[string][]*slaveEntry
}

// counted is what a slave adds to the sums; nil: nothing.
type counted struct {
	own, below               map[string]int // to all
	furtherOwn, furtherBelow map[string]int
	isFurther                bool // no other master counts it
	nodes                    []string
}

func newSlaveSums(self string) slaveSums {
	return slaveSums{
		self: self, mu: new(sync.RWMutex), all: make(map[string]int), further: make(map[string]int),
		nodes: make(map[string]int), byID: make(map[string][]*slaveEntry),
	}
}

func (s *slaveSums) listeners(mount string) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.all[mount]
}

// total returns the number of listeners of all mounts at all slaves.
func (s *slaveSums) total() (n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, listeners := range s.all {
		n += listeners
	}
	return n
}

// set changes the sums by the last report of a slave.
func (s *slaveSums) set(e *slaveEntry) {
	if id := e.report.ID; !slices.Contains(s.byID[id], e) {
		s.byID[id] = append(s.byID[id], e)
	}
	var nodes []string
	if below := s.belowOf(e); below != nil {
		nodes = below.Nodes
	}
	s.setNodes(e, nodes)
	s.count(e)
}

// remove takes a slave out of the sums.
func (s *slaveSums) remove(e *slaveEntry) {
	id := e.report.ID
	if s.byID[id] = slices.DeleteFunc(s.byID[id], func(o *slaveEntry) bool { return o == e }); len(s.byID[id]) == 0 {
		delete(s.byID, id)
	}
	s.change(e, counted{nodes: e.counted.nodes})
	s.setNodes(e, nil)
}

// belowOf returns the sums of the nodes below a slave; nil: there are none, or this node is one
// of them and would count its own listeners.
func (s *slaveSums) belowOf(e *slaveEntry) *Sums {
	if below := e.report.Below; below != nil && !slices.Contains(below.Nodes, s.self) {
		return below
	}
	return nil
}

// setNodes sets the ids that a slave counts below itself. Slaves with such an id that report
// here as well are counted once.
func (s *slaveSums) setNodes(e *slaveEntry, nodes []string) {
	before := e.counted.nodes
	if len(before) == len(nodes) && (len(nodes) == 0 || &before[0] == &nodes[0]) {
		return
	}
	e.counted.nodes = nodes
	var flipped []*slaveEntry
	for _, id := range nodes {
		if s.nodes[id]++; s.nodes[id] == 1 {
			flipped = append(flipped, s.byID[id]...)
		}
	}
	for _, id := range before {
		if s.nodes[id]--; s.nodes[id] == 0 {
			delete(s.nodes, id)
			flipped = append(flipped, s.byID[id]...)
		}
	}
	for _, other := range flipped {
		s.count(other)
	}
}

// count changes the sums by what a slave is to add to them now.
func (s *slaveSums) count(e *slaveEntry) {
	by := e.report.CountedBy
	now := counted{nodes: e.counted.nodes, isFurther: !e.isPeer() && (by == "" || by == s.self)}
	if s.nodes[e.report.ID] == 0 {
		now.own = e.report.Mounts
	}
	if below := s.belowOf(e); below != nil {
		now.below = below.Mounts
	}
	if now.isFurther {
		now.furtherOwn, now.furtherBelow = now.own, now.below
	}
	s.change(e, now)
}

// change replaces what a slave adds to the sums.
func (s *slaveSums) change(e *slaveEntry, now counted) {
	s.mu.Lock()
	replaceCounts(s.all, e.counted.own, now.own)
	replaceCounts(s.all, e.counted.below, now.below)
	s.mu.Unlock()
	replaceCounts(s.further, e.counted.furtherOwn, now.furtherOwn)
	replaceCounts(s.further, e.counted.furtherBelow, now.furtherBelow)
	e.counted = now
}

// replaceCounts subtracts some counts from sums and adds others. Sums of 0 are deleted.
func replaceCounts(sums, before, now map[string]int) {
	if reflect.ValueOf(before).Pointer() == reflect.ValueOf(now).Pointer() {
		return // partial reports share what has not changed
	}
	add := func(mount string, n int) {
		if n == 0 {
			return
		}
		if sums[mount] += n; sums[mount] == 0 {
			delete(sums, mount)
		}
	}
	for mount, n := range now {
		add(mount, n-before[mount])
	}
	for mount, n := range before {
		if _, ok := now[mount]; !ok {
			add(mount, -n)
		}
	}
}

// below returns the sums for the report to a master, which is no part of them.
func (s *slaveSums) below(entries map[slaveKey]*slaveEntry, master string) *Sums {
	sums := &Sums{Mounts: maps.Clone(s.further), Nodes: []string{}}
	for _, e := range entries {
		switch c := &e.counted; {
		case !c.isFurther:
		case e.report.ID == master:
			replaceCounts(sums.Mounts, c.furtherOwn, nil)
			replaceCounts(sums.Mounts, c.furtherBelow, nil)
		default:
			if s.nodes[e.report.ID] == 0 {
				sums.Nodes = append(sums.Nodes, e.report.ID)
			}
			sums.Nodes = append(sums.Nodes, c.nodes...)
		}
	}
	sums.bound()
	return sums
}
