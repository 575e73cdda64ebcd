package blocklog

import (
	"hash/maphash"
	"slices"

	"github.com/caddycast/caddycast/streaming/format"
)

// endingUnits in a row, of which no two are alike, are no coincidence.
const endingUnits = 4

var endingSeed = maphash.MakeSeed()

// Ending is how the log of a relayed stream ends: enough of its last units to find them
// again. The zero value is that of an empty log.
type Ending struct {
	sums [endingUnits]uint64 // of the last units, the newest last
	n    int                 // how many there are
	init *format.Init        // of the newest
}

// Push adds a unit.
func (e *Ending) Push(u format.Unit) {
	copy(e.sums[:], e.sums[1:])
	e.sums[endingUnits-1] = maphash.Bytes(endingSeed, u.Data)
	e.n = min(e.n+1, endingUnits)
	e.init = u.Init
}

// SetInit sets the init of the newest unit.
func (e *Ending) SetInit(init *format.Init) { e.init = init }

// IsDistinct reports whether the ending differs from other places in the stream: silence
// does not.
func (e *Ending) IsDistinct() bool {
	for i, sum := range e.sums {
		if slices.Contains(e.sums[:i], sum) {
			return false
		}
	}
	return e.n == endingUnits
}
