package setting

import (
	"fmt"
	"slices"
	"strings"
)

// Suggest adds a name that is not known to a problem such as "unknown directive", and the
// nearest known name, or all of them if none is near.
func Suggest(problem, name string, known []string) string {
	if near, ok := nearest(name, known); ok {
		return fmt.Sprintf("%s %q; did you mean %q?", problem, name, near)
	}
	return fmt.Sprintf("%s %q; expected one of: %s", problem, name, strings.Join(known, ", "))
}

// maxSuggested bounds the length of the names that are compared.
const maxSuggested = 64

// nearest returns the known name that a misspelt one most likely is: at most two letters are
// wrong, missing, added or swapped, and fewer in a short name.
func nearest(name string, known []string) (near string, ok bool) {
	if len(name) > maxSuggested {
		return "", false
	}
	least := min(2, len(name)/3) + 1
	for _, k := range known {
		if d := distance(strings.ToLower(name), k); d < least {
			near, least, ok = k, d, true
		}
	}
	return near, ok
}

// distance is the number of bytes that must be replaced, inserted, removed or swapped with
// their neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	var before, last []int // rows of the matrix for a[:i-2] and a[:i-1]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, slices.Repeat([]int{i}, len(b)+1)
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
