package adminapi

import (
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
)

// MasterReport is the report on a master of this slave.
type MasterReport struct {
	Station   string     `json:"station"`
	URL       string     `json:"url"`
	State     string     `json:"state"` // connecting, connected, unavailable, refuses
	Since     time.Time  `json:"since"`
	Cause     string     `json:"cause,omitempty"`      // why it is not connected
	Reported  *time.Time `json:"reported,omitempty"`   // when it last took a report; omitted: never
	Refusals  uint64     `json:"refusals"`             // refused reports and requests
	Refusal   string     `json:"refusal,omitempty"`    // the last one, with the master's reason
	RefusedAt *time.Time `json:"refused_at,omitempty"` // when that was
}

func listMasters(q query) (any, error) {
	return gather(q, reportMasters)
}

func reportMasters(st *state.Station) []MasterReport {
	all := []MasterReport{}
	for _, m := range st.Relayer().Masters() {
		all = append(all, MasterReport{
			Station: st.StationName(), URL: m.URL, State: m.State, Since: m.Since, Cause: response.Printable(m.Cause),
			Reported: known(m.Reported), Refusals: m.Refusals, Refusal: response.Printable(m.Refusal), RefusedAt: known(m.RefusedAt),
		})
	}
	return all
}

// known returns nil for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
