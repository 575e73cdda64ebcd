package metrics

import (
	"cmp"
	"slices"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/relay"
)

// slaves sends the metrics of a station's slaves. The number of slaves is bounded. A slave with
// credentials of its own has their name, so that its metrics survive a restart; of several with
// one name, the first has metrics. Slaves of slaves have none: those are their hub's.
func (c *collection) slaves(all []relay.SlaveStatus) {
	all = slices.DeleteFunc(all, func(s relay.SlaveStatus) bool { return s.Hub != "" })
	c.gauge(slavesDesc, float64(len(all)))
	seen := make(map[string]bool)
	for _, s := range all {
		first := s.ID
		if len(s.Public) > 0 {
			first = s.Public[0]
		}
		name := response.Printable(cmp.Or(s.Credential, first))
		if seen[name] {
			continue
		}
		seen[name] = true
		verified := 0.0
		if s.State == relay.URLVerified {
			verified = 1
		}
		c.gauge(slaveAgeDesc, max(0, time.Since(s.Reported).Seconds()), name)
		c.gauge(slaveHeardDesc, float64(s.Listeners), name)
		c.counter(slaveSentDesc, s.AllSent, name)
		c.counter(slaveRefDesc, s.AllRefused, name)
		c.gauge(slaveUpDesc, verified, name)
	}
}
