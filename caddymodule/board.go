package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming/audience"
)

const (
	boardStep    = time.Second      // between two looks at what plays
	boardSilence = 15 * time.Second // after which viewers are told that there is nothing new
	boardWrite   = 10 * time.Second // that a viewer has to take what is sent
	maxViewers   = 2000
)

// board has what plays, for all who look at the station's page. It is looked up once
// for all of them, and only while there is somebody.
type board struct {
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

// post is what there is to say of a mount.
type post struct {
	mount string
	text  json.RawMessage
	since uint64
}

// enter counts a viewer in. It reports false if there are too many, or more than a limit
// from one address; 0 is no limit.
func (b *board) enter(ip netip.Addr, limit int) bool {
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

func (b *board) leave(ip netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.viewers--
	b.crowds.Leave(ip)
}

// look notes what plays.
func (b *board) look(v stationView) {
	next := b.now + 1
	changed := b.now == 0 || len(v.Mounts) != len(b.posts) || v.Listeners != b.total
	same := len(v.Mounts) == len(b.posts)
	posts := make([]post, 0, len(v.Mounts))
	for i, m := range v.Mounts {
		text, err := json.Marshal(m)
		if err != nil {
			continue // texts and numbers can be written
		}
		p := post{m.Mount, text, next}
		switch {
		case i >= len(b.posts) || b.posts[i].mount != m.Mount:
			same = false
		case bytes.Equal(b.posts[i].text, text):
			p.since = b.posts[i].since
		}
		changed = changed || p.since == next
		posts = append(posts, p)
	}
	if !changed {
		return
	}
	b.now, b.total, b.posts, b.written = next, v.Listeners, posts, make(map[uint64][]byte)
	if !same {
		b.whole = next
	}
}

// news returns what there is to say to one who knows what was at a time, 0 for nothing:
// the mounts of which something has changed or, if some came or went, all.
func (b *board) news(known uint64, view func() stationView) (text []byte, now uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); now.Sub(b.at) >= boardStep*9/10 {
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
			news.Mounts = append(news.Mounts, p.text)
		}
	}
	text, err := json.Marshal(news)
	if err != nil {
		return nil, b.now // as above
	}
	b.written[known] = text
	return text, b.now
}

// serveEvents tells a page what plays, as server-sent events: all at first, and then what
// has changed.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodHead { // which has no end to wait for
		w.Header().Set("Content-Type", "text/event-stream")
		return nil
	}
	live := h.station.live
	ip, _ := netip.ParseAddr(response.ClientIP(r)) // over a Unix socket there is none
	if !live.board.enter(ip, h.station.Limits.PerIP) {
		w.Header().Set("Retry-After", "60")
		return response.Refuse(w, r, http.StatusServiceUnavailable, "Too many look at this page")
	}
	defer live.board.leave(ip)
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	response.SetDefault(header, "Cache-Control", "no-cache, no-store, no-transform")
	response.SetDefault(header, "X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	stuck := transport.WriteWatchdog{Conn: transport.ConnOf(r.Context()), After: transport.ResetTime}
	defer stuck.Arm(time.Time{})
	tick := time.NewTicker(boardStep)
	defer tick.Stop()
	var known uint64
	var since time.Time
	for {
		now := time.Now()
		text, version := live.board.news(known, h.station.view)
		message := ": nothing new\n\n"
		if text != nil {
			message = fmt.Sprintf("data: %s\n\n", text)
		}
		if text != nil || now.Sub(since) >= boardSilence {
			known, since = version, now
			_ = control.SetWriteDeadline(now.Add(boardWrite))
			stuck.Arm(now.Add(boardWrite))
			if _, err := w.Write([]byte(message)); err != nil {
				return nil //nolint:nilerr // the viewer has left
			}
			if control.Flush() != nil || control.SetWriteDeadline(time.Time{}) != nil {
				return nil
			}
			stuck.Arm(time.Time{})
		}
		select {
		case <-tick.C:
		case <-live.closing:
			return nil
		case <-h.retired: // the page asks anew, and gets what is configured now
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}
