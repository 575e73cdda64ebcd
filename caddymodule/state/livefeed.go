package state

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming/audience"
)

const (
	livefeedStep = time.Second // between two looks at the mounts
	maxViewers   = 2000
)

// Livefeed is the state of all mounts for the station's open pages. It is looked up once for
// all viewers, and only while there are some.
type Livefeed struct {
	mu        sync.Mutex
	viewers   int
	addresses audience.AddressCounts // of the viewers; nil: there was none yet
	at        time.Time              // of the last look

	now     uint64 // number of the state; grows with each change
	whole   uint64 // the state in which the set of mounts last changed
	count   ListenerCount
	items   []versionedItem
	written map[uint64][]byte // texts of now, by the state that a viewer has
}

// Item is one mount of the feed.
type Item struct {
	Key  string // of the mount
	JSON json.RawMessage
}

// versionedItem is an item, and the state in which it last changed.
type versionedItem struct {
	Item
	since uint64
}

// Enter counts a viewer. It reports false if there are too many, or more than a limit from one
// address; 0 is no limit.
func (f *Livefeed) Enter(ip netip.Addr, limit int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.addresses == nil {
		f.addresses = make(audience.AddressCounts)
	}
	if f.viewers >= maxViewers || f.addresses.Enter(ip, limit) != nil {
		return false
	}
	f.viewers++
	return true
}

// Leave takes a viewer out of the count.
func (f *Livefeed) Leave(ip netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.viewers--
	f.addresses.Leave(ip)
}

// update compares the mounts with those of the last look. mu is held.
func (f *Livefeed) update(count ListenerCount, latest []Item) {
	next := f.now + 1
	changed := f.now == 0 || len(latest) != len(f.items) || count != f.count
	same := len(latest) == len(f.items)
	items := make([]versionedItem, 0, len(latest))
	for i, item := range latest {
		v := versionedItem{item, next}
		switch {
		case i >= len(f.items) || f.items[i].Key != item.Key:
			same = false
		case bytes.Equal(f.items[i].JSON, item.JSON):
			v.since = f.items[i].since
		}
		changed = changed || v.since == next
		items = append(items, v)
	}
	if !changed {
		return
	}
	f.now, f.count, f.items, f.written = next, count, items, make(map[uint64][]byte)
	if !same {
		f.whole = next
	}
}

// Since returns the difference between a state and the current one, and the number of the
// current one. State 0 is that of a new viewer. The text has the mounts that have changed or,
// if the set of mounts has, all; it is nil if nothing has changed.
func (f *Livefeed) Since(known uint64, view func() (ListenerCount, []Item)) (text []byte, now uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.at) >= livefeedStep*9/10 {
		f.at = now
		f.update(view())
	}
	if known == f.now {
		return nil, f.now
	}
	if known < f.whole {
		known = 0
	}
	if text := f.written[known]; text != nil {
		return text, f.now
	}
	difference := struct {
		ListenerCount
		All    bool              `json:"all"`
		Mounts []json.RawMessage `json:"mounts"`
	}{f.count, known == 0, []json.RawMessage{}}
	for _, item := range f.items {
		if item.since > known {
			difference.Mounts = append(difference.Mounts, item.JSON)
		}
	}
	text, err := json.Marshal(difference)
	if err != nil { // an item is no JSON
		return nil, f.now
	}
	f.written[known] = text
	return text, f.now
}
