package streaming

import (
	"sync/atomic"
	"time"
)

// bounds are those of all histograms: from the time of a small cycle to more than a
// listener's buffer holds.
var bounds = [...]time.Duration{
	100 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 75 * time.Millisecond, 100 * time.Millisecond, 150 * time.Millisecond, 200 * time.Millisecond,
	250 * time.Millisecond, 300 * time.Millisecond, 400 * time.Millisecond, 500 * time.Millisecond, time.Second,
	2500 * time.Millisecond,
}

// histogram counts durations by length. The zero value is empty. Any goroutine may observe;
// it takes no lock.
type histogram struct {
	counts [len(bounds) + 1]atomic.Uint64 // by the first bound that is not less; the last: longer than all
	sum    atomic.Int64
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(d))
}

// Distribution is how long something took, each time.
type Distribution struct {
	Count  uint64
	Sum    time.Duration
	UpTo   []time.Duration // in rising order
	Counts []uint64        // of those that took so long at most
}

func (h *histogram) distribution() Distribution {
	d := Distribution{UpTo: bounds[:], Counts: make([]uint64, len(bounds)), Sum: time.Duration(h.sum.Load())}
	for i := range h.counts {
		d.Count += h.counts[i].Load()
		if i < len(bounds) {
			d.Counts[i] = d.Count
		}
	}
	return d
}

// CycleTimes returns how long the cycles of the shards took.
func (st *Station) CycleTimes() Distribution { return st.cycleTimes.distribution() }

// Delays returns how long audio took from its source to the last listener of a shard. Each
// cycle measures one stream, by chance, so that it costs listeners nothing.
func (st *Station) Delays() Distribution { return st.delays.distribution() }
