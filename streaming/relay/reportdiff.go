package relay

import "reflect"

// Since returns the partial report that makes r of last; see Apply.
func (r Report) Since(last Report) Report {
	p := r
	p.Partial = true
	p.Mounts, p.Gone = changedCounts(last.Mounts, r.Mounts)
	var unlimited []string
	p.Room, unlimited = changedCounts(last.Room, r.Room)
	for _, mount := range unlimited {
		p.Room[mount] = NoLimit
	}
	p.Below = r.Below.since(last.Below)
	p.Edges, p.HLS = changedList(last.Edges, r.Edges), changedList(last.HLS, r.HLS)
	return p
}

// changedList returns a list that differs from the one before; nil: it does not.
func changedList[T any](before, after []T) []T {
	if reflect.DeepEqual(after, before) || len(after) == 0 && len(before) == 0 {
		return nil
	}
	return append([]T{}, after...)
}

// changedCounts returns the counts that differ, and the mounts that have none any more.
func changedCounts(before, after map[string]int) (changed map[string]int, gone []string) {
	changed = make(map[string]int)
	for mount, n := range after {
		if old, ok := before[mount]; !ok || old != n {
			changed[mount] = n
		}
	}
	for mount := range before {
		if _, ok := after[mount]; !ok {
			gone = append(gone, mount)
		}
	}
	return changed, gone
}

// since returns the sums that have changed, nil if none has.
func (s *Sums) since(last *Sums) *Sums {
	if s == nil {
		s = new(Sums)
	}
	if last == nil {
		last = new(Sums)
	}
	changed, gone := changedCounts(last.Mounts, s.Mounts)
	for _, mount := range gone {
		changed[mount] = 0
	}
	nodes := append([]string{}, s.Nodes...)
	if reflect.DeepEqual(s.Nodes, last.Nodes) || len(s.Nodes) == 0 && len(last.Nodes) == 0 {
		nodes = nil
	}
	if len(changed) == 0 && nodes == nil {
		return nil
	}
	return &Sums{Mounts: changed, Nodes: nodes}
}
