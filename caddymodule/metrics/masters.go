package metrics

import (
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/relay"
)

// masters sends the metrics of the masters of a station. Their URLs are those of the
// configuration, which may name one twice: then the first has metrics.
func (c *collection) masters(all []relay.MasterStatus) {
	seen := make(map[string]bool)
	for _, m := range all {
		name := response.Printable(m.URL)
		if seen[name] {
			continue
		}
		seen[name] = true
		up := 0.0
		if m.IsUp() {
			up = 1
		}
		c.gauge(masterUpDesc, up, name)
		if !m.Reported.IsZero() {
			c.gauge(masterAgeDesc, max(0, time.Since(m.Reported).Seconds()), name)
		}
		c.counter(refusalsDesc, m.Refusals, name)
	}
}
