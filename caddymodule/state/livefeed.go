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
	livefeedStep = time.Second // between two looks at what plays
	maxViewers   = 2000
)

// Livefeed has what plays, for all who look at the station's page. It is looked up once
// for all of them, and only while there is somebody.
type Livefeed struct {
	mu      sync.Mutex
	viewers int
	crowds  audience.AddressCounts // of the viewers; nil: nobody has come yet
	at      time.Time

	now     uint64 // grows with each change
	whole   uint64 // since when the mounts are the same ones
	total   int64  // listeners
	posts   []post
	written map[uint64][]byte // what those are told who know as much; of now
}

// Item is what there is to say of one mount.
type Item struct {
	Key  string // of the mount
	JSON json.RawMessage
}

// post is an item, and since when it is as it is.
type post struct {
	Item
	since uint64
}

// Enter counts a viewer in. It reports false if there are too many, or more than a limit
// from one address; 0 is no limit.
func (b *Livefeed) Enter(ip netip.Addr, limit int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.crowds == nil {
		b.crowds = make(audience.AddressCounts)
	}
	if b.viewers >= maxViewers || b.crowds.Enter(ip, limit) != nil {
		return false
	}
	b.viewers++
	return true
}

// Leave takes a viewer out.
func (b *Livefeed) Leave(ip netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.viewers--
	b.crowds.Leave(ip)
}

// look notes what plays.
func (b *Livefeed) look(listeners int64, items []Item) {
	next := b.now + 1
	changed := b.now == 0 || len(items) != len(b.posts) || listeners != b.total
	same := len(items) == len(b.posts)
	posts := make([]post, 0, len(items))
	for i, item := range items {
		p := post{item, next}
		switch {
		case i >= len(b.posts) || b.posts[i].Key != item.Key:
			same = false
		case bytes.Equal(b.posts[i].JSON, item.JSON):
			p.since = b.posts[i].since
		}
		changed = changed || p.since == next
		posts = append(posts, p)
	}
	if !changed {
		return
	}
	b.now, b.total, b.posts, b.written = next, listeners, posts, make(map[uint64][]byte)
	if !same {
		b.whole = next
	}
}

// Since returns what there is to say to one who knows what was at a time, 0 for nothing:
// the mounts of which something has changed or, if some came or went, all.
func (b *Livefeed) Since(known uint64, view func() (listeners int64, items []Item)) (text []byte, now uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); now.Sub(b.at) >= livefeedStep*9/10 {
		b.at = now
		b.look(view())
	}
	if known == b.now {
		return nil, b.now
	}
	if known < b.whole {
		known = 0
	}
	if text := b.written[known]; text != nil {
		return text, b.now
	}
	news := struct {
		Listeners int64             `json:"listeners"`
		All       bool              `json:"all"`
		Mounts    []json.RawMessage `json:"mounts"`
	}{b.total, known == 0, []json.RawMessage{}}
	for _, p := range b.posts {
		if p.since > known {
			news.Mounts = append(news.Mounts, p.JSON)
		}
	}
	text, err := json.Marshal(news)
	if err != nil {
		return nil, b.now // as above
	}
	b.written[known] = text
	return text, b.now
}
