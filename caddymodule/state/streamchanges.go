package state

import (
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// listSweep is how often all mounts are looked at, though none has announced a change: a
	// file that could not be played may be playable again.
	listSweep = 5 * time.Second

	// maxListChanges bounds how many versions of the list are remembered as changes.
	maxListChanges = 256
)

// streams keeps the list of a station, across its configurations. A change of one mount costs
// a look at this mount, and at those that have it as a fallback.
type streams struct {
	mu         sync.Mutex
	of         *Generation                // by whose settings the list was made
	known      uint64                     // changes of the engine
	swept      time.Time                  // when all mounts were looked at
	list       *StreamList                // nil: there is none yet
	dependents map[string]map[string]bool // mounts by their fallbacks
	changes    []listChange               // the last ones, the oldest first

	feed streamFeed
}

// listChange is the difference between a version of the list and the one before.
type listChange struct {
	version uint64 // of the list after it
	lines   []string
}

// current returns the list of now. It is made by the settings in force; by those of g before any
// are.
func (s *streams) current(g *Generation) *StreamList {
	s.mu.Lock()
	defer s.mu.Unlock()
	if inForce := g.current.Load(); inForce != nil {
		g = inForce
	}
	paths, all, now := g.ChangesSince(s.known)
	s.known = now
	if all || s.of != g || s.list == nil || time.Since(s.swept) > listSweep {
		s.sweep(g)
	} else if len(paths) > 0 {
		s.look(g, paths)
	}
	return s.list
}

// sweep looks at all mounts. mu is held.
func (s *streams) sweep(g *Generation) {
	s.of, s.swept, s.dependents = g, time.Now(), make(map[string]map[string]bool)
	paths := g.listCandidates()
	slices.Sort(paths)
	var entries []*listEntry
	for _, path := range slices.Compact(paths) {
		s.index(g, path)
		if e := g.listEntryFor(path); e != nil {
			entries = append(entries, e)
		}
	}
	s.publish(entries)
}

// look looks at some mounts, and at those that depend on them. mu is held.
func (s *streams) look(g *Generation, paths []string) {
	concerned := make(map[string]bool)
	for _, path := range paths {
		concerned[path] = true
		for other := range s.dependents[path] {
			concerned[other] = true
		}
	}
	entries := slices.Clone(s.list.entries)
	for path := range concerned {
		e := g.listEntryFor(path)
		if e != nil {
			s.index(g, path)
		}
		i, ok := findEntry(entries, path)
		switch {
		case ok && e != nil:
			entries[i] = e
		case ok:
			entries = slices.Delete(entries, i, i+1)
		case e != nil:
			entries = slices.Insert(entries, i, e)
		}
	}
	s.publish(entries)
}

// index notes on which other mounts a mount depends. mu is held.
func (s *streams) index(g *Generation, path string) {
	for _, other := range g.director.Fallbacks(path) {
		if s.dependents[other] == nil {
			s.dependents[other] = make(map[string]bool)
		}
		s.dependents[other][path] = true
	}
}

// publish makes a list of entries, unless they are those of the last list. mu is held.
func (s *streams) publish(entries []*listEntry) {
	if s.list == nil {
		s.list = newStreamList(entries, 1)
		return
	}
	lines, same := difference(s.list.entries, entries)
	if same {
		return
	}
	version := s.list.version + 1
	s.list = newStreamList(entries, version)
	if len(s.changes) >= maxListChanges {
		s.changes = slices.Delete(s.changes, 0, maxListChanges/2)
	}
	s.changes = append(s.changes, listChange{version, lines})
}

// difference returns the lines that make one list of another: a plus and a line of the list, or
// a minus and a path. It reports whether the lists are the same.
func difference(before, after []*listEntry) (lines []string, same bool) {
	same = true
	for len(before) > 0 || len(after) > 0 {
		order := -1 // which of the lists has the next path; 0: both
		switch {
		case len(before) == 0:
			order = 1
		case len(after) > 0:
			order = strings.Compare(before[0].path, after[0].path)
		}
		var old, latest *listEntry
		if order <= 0 {
			old, before = before[0], before[1:]
		}
		if order >= 0 {
			latest, after = after[0], after[1:]
		}
		if old == latest || old != nil && latest != nil && *old == *latest {
			continue
		}
		same = false
		switch {
		case latest != nil && !latest.hidden:
			lines = append(lines, "+"+latest.markedLine())
		case old != nil && !old.hidden:
			lines = append(lines, "-"+old.line)
		}
	}
	return lines, same
}

// between returns the changes from one version of the list to another, the last one of each mount, or
// false if they are not remembered, or are longer than the list. mu is held.
func (s *streams) between(from, to uint64) (lines []string, ok bool) {
	if from == 0 || from > to || len(s.changes) == 0 || from+1 < s.changes[0].version {
		return nil, false
	}
	place := make(map[string]int) // of a mount's line
	for _, c := range s.changes {
		if c.version <= from || to < c.version {
			continue
		}
		for _, line := range c.lines {
			path, _, _ := strings.Cut(line[1:], "\t")
			if i, ok := place[path]; ok {
				lines[i] = line
				continue
			}
			place[path] = len(lines)
			lines = append(lines, line)
		}
	}
	return lines, len(lines) <= len(s.list.entries)+1
}

// isUrgent reports whether a list has a mount, or marks of one, that an earlier version has not. A mount
// that has left can wait: who pulls it notices by itself.
func (s *streams) isUrgent(from, to uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines, ok := s.between(from, to)
	return !ok || slices.ContainsFunc(lines, func(line string) bool { return line[0] == '+' })
}
