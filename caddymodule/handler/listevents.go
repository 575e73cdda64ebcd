package handler

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming/relay"
)

// listWrite bounds one write to a slave.
const listWrite = 10 * time.Second

// serveListEvents sends the list to a slave as server-sent events: whole at first, or the changes
// since the last event that the slave has, and then the changes: mounts more at once, mounts less within
// relay.Heartbeat. A comment is sent in each relay.Heartbeat without a change, so that either side notices
// when the other is gone.
func (h *Handler) serveListEvents(w http.ResponseWriter, r *request.Facts, by *relay.Credential) error {
	follower, ok := h.station.FollowStreams(by, r.Header.Get(relay.PathHeader), r.Header.Get("Last-Event-ID"))
	if !ok {
		return response.Refuse(http.StatusServiceUnavailable, "Too many slaves follow the list").With("Retry-After", "10")
	}
	defer follower.Close()
	header := w.Header()
	header.Set("Content-Type", relay.EventStream)
	header.Set("Cache-Control", "no-cache, no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
	out := eventWriter{w, http.NewResponseController(w), transport.WriteWatchdog{Conn: transport.ConnOf(r.Context()), After: transport.ResetTime}, r.ProtoMajor > 1}
	defer out.watchdog.Arm(time.Time{})
	beat := time.NewTicker(relay.Heartbeat)
	defer beat.Stop()
	updated := follower.Updated()
	text := cmp.Or(follower.Next(), ":\n") // a slave that has the list reports again at once
	for {
		if text != "" && !out.write(text) {
			return nil
		}
		select {
		case <-updated:
			updated = follower.Updated()
			if text = follower.Next(); text != "" {
				beat.Reset(relay.Heartbeat)
			}
		case <-beat.C:
			text = cmp.Or(follower.Next(), ":\n")
		case <-h.station.Closing():
			return nil
		case <-h.retired: // the slave connects again, to the new configuration
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}

// eventWriter writes events to one client.
type eventWriter struct {
	http.ResponseWriter
	control  *http.ResponseController
	watchdog transport.WriteWatchdog
	shared   bool // the connection has several streams
}

// write writes and flushes a text. It reports false if the client is gone.
func (w *eventWriter) write(text string) bool {
	end := time.Now().Add(listWrite)
	_ = w.control.SetWriteDeadline(end)
	if w.shared {
		w.watchdog.Arm(end)
	}
	if _, err := io.WriteString(w.ResponseWriter, text); err != nil {
		return false
	}
	if w.control.Flush() != nil {
		return false
	}
	if w.shared { // a deadline would reset the stream; that of a connection is for writes only
		w.watchdog.Arm(time.Time{})
		return w.control.SetWriteDeadline(time.Time{}) == nil
	}
	return true
}

// acceptsEvents reports whether a client accepts server-sent events.
func acceptsEvents(r *http.Request) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Accept")), relay.EventStream)
}

// preference returns the value of a preference (RFC 7240); empty: the client has none.
func preference(r *http.Request, name string) string {
	all := strings.FieldsFunc(strings.Join(r.Header.Values("Prefer"), ","), func(c rune) bool { return c == ',' || c == ';' })
	for _, one := range all {
		if key, value, _ := strings.Cut(one, "="); strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// prefers reports whether the client has a preference of some value.
func prefers(r *http.Request, name, value string) bool {
	return strings.EqualFold(preference(r, name), value)
}

// waitPreferred returns the wait that the client prefers, at most maxListWait.
func waitPreferred(r *http.Request) time.Duration {
	seconds, err := strconv.ParseUint(preference(r, "wait"), 10, 16)
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxListWait)
}
