package admin

import (
	"net/http"
	"net/url"
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/relay"
)

// serveMasters answers with the masters of this slave, and what they say.
func (c *Commands) serveMasters(w http.ResponseWriter, r *request.Facts, _ url.Values) error {
	e := el("icestats")
	for _, m := range c.station.Relayer().Masters() {
		e.children = append(e.children, masterElement(&m))
	}
	return answerElement(w, r, e)
}

// masterElement describes a master. Times are seconds until now; those that are unknown are
// empty.
func masterElement(m *relay.MasterStatus) element {
	return el("master",
		leaf("url", m.URL), leaf("state", m.State), leaf("since", secondsSince(m.Since)), leaf("cause", response.Printable(m.Cause)),
		leaf("reported", secondsSince(m.Reported)), leaf("refusals", m.Refusals),
		leaf("refusal", response.Printable(m.Refusal)), leaf("refused", secondsSince(m.RefusedAt)))
}

// secondsSince returns whole seconds, or an empty text for the zero time.
func secondsSince(t time.Time) any {
	if t.IsZero() {
		return ""
	}
	return int(max(0, time.Since(t)) / time.Second)
}
