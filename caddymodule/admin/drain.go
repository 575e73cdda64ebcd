package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/state"
)

// drain drains the station, over five minutes or the parameter over.
func (c *Commands) drain(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	over := state.DefaultDrain
	if text := q.Get("over"); text != "" {
		var ok bool
		if over, ok = setting.ParseDuration(text); !ok || over > state.MaxDrain {
			return response.Refuse(http.StatusBadRequest, "over: invalid duration; expected one such as 5m, at most 24h")
		}
	}
	d := c.station.Drain(over)
	return iceResponse(w, r, fmt.Sprintf("Draining: %d listeners end until %s", d.Listeners, d.Until.UTC().Format(time.RFC3339)), true)
}

// undrain takes listeners and sources again.
func (c *Commands) undrain(w http.ResponseWriter, r *request.Facts, _ url.Values) error {
	if !c.station.Undrain() {
		return iceResponse(w, r, "The station is not drained", false)
	}
	return iceResponse(w, r, "Listeners and sources are taken again", true)
}
