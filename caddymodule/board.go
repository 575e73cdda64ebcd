package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
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
	at      time.Time
	text    []byte // what plays, as JSON
}

// enter counts a viewer in. It reports false if there are too many.
func (b *board) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.viewers >= maxViewers {
		return false
	}
	b.viewers++
	return true
}

func (b *board) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.viewers--
}

// look returns what plays, as of a moment ago.
func (b *board) look(view func() stationView) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); now.Sub(b.at) >= boardStep*9/10 {
		b.at = now
		if text, err := json.Marshal(view()); err == nil {
			b.text = text
		}
	}
	return b.text
}

// serveEvents tells a page what plays, each time that changes, as server-sent events.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodHead { // which has no end to wait for
		w.Header().Set("Content-Type", "text/event-stream")
		return nil
	}
	live := h.station.live
	if !live.board.enter() {
		w.Header().Set("Retry-After", "60")
		return refuse(w, r, http.StatusServiceUnavailable, "Too many look at this page")
	}
	defer live.board.leave()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	setDefault(header, "Cache-Control", "no-cache, no-store, no-transform")
	setDefault(header, "X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	tick := time.NewTicker(boardStep)
	defer tick.Stop()
	var told []byte
	var since time.Time
	for {
		now := time.Now()
		text := live.board.look(h.station.view)
		message := ": nothing new\n\n"
		if !bytes.Equal(text, told) {
			message = fmt.Sprintf("data: %s\n\n", text)
		}
		if !bytes.Equal(text, told) || now.Sub(since) >= boardSilence {
			told, since = text, now
			_ = control.SetWriteDeadline(now.Add(boardWrite))
			if _, err := w.Write([]byte(message)); err != nil {
				return nil //nolint:nilerr // the viewer has left
			}
			if control.Flush() != nil || control.SetWriteDeadline(time.Time{}) != nil {
				return nil
			}
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
