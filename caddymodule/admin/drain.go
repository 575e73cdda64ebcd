package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
)

// drain drains the station, over five minutes or the parameter over.
func (c *Commands) drain(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	over, err := state.ParseWindow(q.Get("over"))
	if err != nil {
		return response.Refuse(http.StatusBadRequest, err.Error())
	}
	o := orderOf(r, q, state.OrderDrain)
	o.Over = q.Get("over")
	if sent, err := c.sendElsewhere(o); err != nil {
		return err
	} else if sent {
		return iceResponse(w, r, "Draining the node", true)
	}
	d := c.station.Drain(over)
	c.station.Note(o, nil)
	return iceResponse(w, r, fmt.Sprintf("Draining: %d listeners end until %s", d.Listeners, d.Until.UTC().Format(time.RFC3339)), true)
}

// undrain takes listeners and sources again.
func (c *Commands) undrain(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	o := orderOf(r, q, state.OrderUndrain)
	if sent, err := c.sendElsewhere(o); err != nil {
		return err
	} else if sent {
		return iceResponse(w, r, "Listeners and sources are taken again", true)
	}
	switch err := c.station.Undrain(); {
	case errors.Is(err, state.ErrNotDrained):
		return iceResponse(w, r, "The station is not drained", false)
	case err != nil:
		return iceResponse(w, r, err.Error(), false)
	}
	c.station.Note(o, nil)
	return iceResponse(w, r, "Listeners and sources are taken again", true)
}
