package status

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/caddymodule/transport"
)

const (
	eventsStep    = time.Second      // between two checks for changes
	eventsSilence = 15 * time.Second // after which viewers get a comment, so that the connection is not taken for dead
	eventsWrite   = 10 * time.Second // bounds one write to a viewer
)

// items returns the mounts as items of the live feed.
func (p *Pages) items() (count state.ListenerCount, items []state.Item) {
	v := newView(p.station, p.station.Statuses())
	for _, m := range v.Mounts {
		if text, err := json.Marshal(m); err == nil { // texts and numbers can be written
			items = append(items, state.Item{Key: m.Mount, JSON: text})
		}
	}
	return v.ListenerCount, items
}

// serveEvents sends the mounts as server-sent events: all of them first, then every change.
func (p *Pages) serveEvents(w http.ResponseWriter, r *request.Facts) error {
	if r.Method == http.MethodHead { // the body would never end
		w.Header().Set("Content-Type", "text/event-stream")
		return nil
	}
	feed := p.station.Livefeed()
	if !feed.Enter(r.Addr, p.station.Limits.PerIP) {
		return response.Refuse(http.StatusServiceUnavailable, "Too many viewers of this page").With("Retry-After", "60")
	}
	defer feed.Leave(r.Addr)
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	response.SetDefault(header, "Cache-Control", "no-cache, no-store, no-transform")
	response.SetDefault(header, "X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	watchdog := transport.WriteWatchdog{Conn: transport.ConnOf(r.Context()), After: transport.ResetTime}
	defer watchdog.Arm(time.Time{})
	tick := time.NewTicker(eventsStep)
	defer tick.Stop()
	var known uint64
	var since time.Time
	for {
		now := time.Now()
		text, version := feed.Since(known, p.items)
		message := ": nothing new\n\n"
		if text != nil {
			message = fmt.Sprintf("data: %s\n\n", text)
		}
		if text != nil || now.Sub(since) >= eventsSilence {
			known, since = version, now
			_ = control.SetWriteDeadline(now.Add(eventsWrite))
			watchdog.Arm(now.Add(eventsWrite))
			if _, err := w.Write([]byte(message)); err != nil {
				return nil //nolint:nilerr // the viewer has disconnected
			}
			if control.Flush() != nil || control.SetWriteDeadline(time.Time{}) != nil {
				return nil
			}
			watchdog.Arm(time.Time{})
		}
		select {
		case <-tick.C:
		case <-p.station.Closing():
			return nil
		case <-p.retired: // the page reconnects and gets the new configuration
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}
