package adminapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/hooks"
)

// followTime bounds the time in which a client must read each write.
const followTime = 30 * time.Second

// serveEvents sends events, one object per line, until the client leaves or the endpoint ends,
// as it does with each configuration. A client that reads too slowly misses events and gets
// their number; nothing else waits for it.
func (a *Endpoint) serveEvents(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(w, r, []string{"station", "mount", "event", "since"})
	if err != nil {
		return err
	}
	for _, name := range q.Values["event"] {
		if !hooks.IsName(name) {
			return errorf(http.StatusBadRequest, "event %.100q: unknown; expected one of: %v", name, hooks.Names)
		}
	}
	var since time.Time
	if text := q.Get("since"); text != "" {
		if since, err = time.Parse(time.RFC3339, text); err != nil {
			return errorf(http.StatusBadRequest, "since %.100q: invalid time; expected one such as 2006-01-02T15:04:05Z", text)
		}
	}
	if len(q.stations) == 0 {
		return errorf(http.StatusNotFound, "no station; expected one in the configuration")
	}
	s := state.NewSubscriber()
	defer s.Close()
	for _, st := range q.stations {
		if !st.EventLog().Subscribe(s, st.StationName(), since) {
			return errorf(http.StatusServiceUnavailable, "too many subscribers; expected at most %d for the events of %s", state.MaxSubscribers, st.StationName())
		}
	}
	a.watch.Do(func() {
		if srv, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
			srv.RegisterOnShutdown(func() { close(a.ending) })
		}
	})
	header := w.Header()
	header.Set("Content-Type", "application/x-ndjson")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the endpoint's own would take the client for gone
	if r.Method == http.MethodHead {
		return nil
	}
	if control.Flush() != nil {
		return nil
	}
	a.follow(w, r, q, s)
	return nil
}

// follow sends the events of a subscriber.
func (a *Endpoint) follow(w http.ResponseWriter, r *http.Request, q query, s *state.Subscriber) {
	control := http.NewResponseController(w)
	for {
		select {
		case <-s.Wake():
		case <-r.Context().Done():
			return
		case <-a.ending: // or the next configuration, or the end of the process, would wait
			return
		}
		lines, err := renderEvents(s, q)
		if err != nil || len(lines) == 0 {
			continue // every event can be written as JSON
		}
		_ = control.SetWriteDeadline(time.Now().Add(followTime))
		if _, err := w.Write(lines); err != nil {
			return
		}
		if control.Flush() != nil {
			return
		}
	}
}

// renderEvents renders the requested events since its last call.
func renderEvents(s *state.Subscriber, q query) ([]byte, error) {
	var b bytes.Buffer
	for _, read := range s.Read() {
		if read.Missed > 0 {
			fmt.Fprintf(&b, "{\"event\":\"missed\",\"time\":%q,\"station\":%s,\"count\":%d}\n",
				time.Now().UTC().Format(time.RFC3339Nano), quoted(read.Station), read.Missed)
		}
		for _, e := range read.Events {
			if !q.includes(e.Mount) || len(q.Values["event"]) > 0 && !slices.Contains(q.Values["event"], string(e.Name)) {
				continue
			}
			line, err := json.Marshal(e.All())
			if err != nil {
				return nil, fmt.Errorf("rendering an event: %w", err)
			}
			b.Write(line)
			b.WriteByte('\n')
		}
	}
	return b.Bytes(), nil
}

// quoted returns a text as JSON.
func quoted(text string) string {
	b, _ := json.Marshal(strings.ToValidUTF8(text, "\ufffd"))
	return string(b)
}
