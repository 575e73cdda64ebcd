package relay

import (
	"cmp"
	"maps"
	"slices"
)

// maxSumsSize bounds the mounts of the sums of a report, and the ids of their nodes, each in bytes.
const maxSumsSize = maxReport / 4

// bound keeps sums within what a master takes, also if slaves exaggerate: it would refuse the whole
// report. If there are too many mounts, those with the most listeners are left.
func (s *Sums) bound() {
	size := 0
	for mount, n := range s.Mounts {
		s.Mounts[mount] = min(n, maxCount)
		size += countSize(mount)
	}
	if size > maxSumsSize {
		order := func(a, b string) int { return cmp.Or(cmp.Compare(s.Mounts[b], s.Mounts[a]), cmp.Compare(a, b)) }
		all := slices.SortedFunc(maps.Keys(s.Mounts), order)
		for _, mount := range all[fitting(all):] {
			delete(s.Mounts, mount)
		}
	}
	slices.Sort(s.Nodes)
	s.Nodes = slices.Compact(s.Nodes)
	s.Nodes = s.Nodes[:fitting(s.Nodes)]
}

// fitting returns how many of some names fit into maxSumsSize.
func fitting(names []string) int {
	size := 0
	for i, name := range names {
		if size += countSize(name); size > maxSumsSize {
			return i
		}
	}
	return len(names)
}

// countSize returns how long a name and a number are in JSON at most, in bytes.
func countSize(name string) int {
	n := len(`"":1073741824,`) + len(name)
	for i := range len(name) {
		switch name[i] {
		case '<', '>', '&', '"', '\\':
			n += len(`\u0026`) - 1
		case 0xe2: // U+2028 and U+2029
			n += len(`\u2028`) - 3
		}
	}
	return n
}
