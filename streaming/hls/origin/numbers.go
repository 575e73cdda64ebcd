package origin

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/hls"
)

// Reserve takes numbers of discontinuities that no process of the station has used yet, and returns the
// first one, which is from or more. It may wait for a storage.
type Reserve func(from, count uint64) (first uint64)

// reservedNumbers are taken from the storage at once. As many are lost with a restart, and players walk an
// array of the length of such a number.
const reservedNumbers = 4

// numbering is how the lists of a station are numbered. mu of the manager guards the maps.
type numbering struct {
	numbers map[string]numbers        // of lists that have ended
	grids   map[time.Duration]numbers // of grouped lists, at the start of the station, by the length of segments

	reserve   Reserve
	begun     sync.Once
	first     uint64        // discontinuity of this process
	reserved  atomic.Uint64 // numbers below this one are
	reserving atomic.Bool
}

// numbers are those that a list begins with at least.
type numbers struct{ sequence, discontinuity uint64 }

// maxNumbers bounds the mounts whose numbers are kept. Those of others begin with the clock.
const maxNumbers = 4096

// era returns the first number of discontinuities that no earlier process has used. A player that
// went on over a restart takes what has a number that it knows for what it has played.
func (m *Manager) era() uint64 {
	if m.reserve == nil {
		return 0
	}
	m.begun.Do(func() {
		m.first = m.reserve(hls.FirstDiscontinuity(time.Now()), reservedNumbers)
		m.reserved.Store(m.first + reservedNumbers)
	})
	return m.first
}

// noteUsed reserves further numbers if one that is used is not.
func (m *Manager) noteUsed(discontinuity uint64) {
	if m.reserve == nil || discontinuity < m.reserved.Load() || m.isClosed() || m.reserving.Swap(true) {
		return
	}
	m.running.Go(func() {
		defer m.reserving.Store(false)
		m.reserved.Store(m.reserve(discontinuity, reservedNumbers) + reservedNumbers)
	})
}

// firstNumbers returns the numbers of a new list of what came since a time. The sequence is that
// time in seconds, and no segment is shorter, so that it never goes back, even over a restart,
// and no name is used twice.
func (m *Manager) firstNumbers(path string, since time.Time) numbers {
	era := m.era()
	m.mu.Lock()
	defer m.mu.Unlock()
	least := m.numbers[path]
	return numbers{max(uint64(since.Unix()), least.sequence), max(hls.FirstDiscontinuity(since), era, least.discontinuity)}
}

// gridNumbers returns the numbers of a new list of what came since a time, whose segments have the
// numbers of those of other lists that begin at the same time. If that could use a name twice they are
// those of firstNumbers.
func (m *Manager) gridNumbers(path string, since time.Time, o *hls.Options) numbers {
	n := m.firstNumbers(path, since)
	end, lead := o.LeadOnGrid(max(0, since.Sub(o.Grid)))
	steps := uint64(end / o.Segment)
	m.mu.Lock()
	defer m.mu.Unlock()
	grid, known := m.grids[o.Segment]
	if !known {
		grid = numbers{n.sequence + lead - steps, n.discontinuity}
		m.grids[o.Segment] = grid
	}
	least := m.numbers[path]
	if first := grid.sequence + steps - lead; first >= max(least.sequence, uint64(o.Grid.Unix())) {
		n.sequence = first
	}
	n.discontinuity = max(grid.discontinuity, least.discontinuity)
	return n
}

// noteNumbers keeps the numbers that the next list of a mount begins with at least.
func (m *Manager) noteNumbers(path string, n numbers) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.numbers[path]; !known && len(m.numbers) >= maxNumbers {
		for other := range m.numbers { // any
			delete(m.numbers, other)
			break
		}
	}
	m.numbers[path] = n
}
