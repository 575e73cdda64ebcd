package admin

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
)

// serveClients answers with the listeners of a mount.
func (c *Commands) serveClients(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	present := c.station.Snapshot(q.Get("mount"))
	source := ofMount(q.Get("mount"), leaf("Listeners", len(present)))
	for _, p := range present {
		source.children = append(source.children, clientElement(p))
	}
	return answerElement(w, r, el("icestats", source))
}

// clientElement describes a listener: first under the names of Icecast 2.4, then under ours.
func clientElement(p streaming.ListenerSnapshot) element {
	c := p.Client
	e := el("listener",
		leaf("IP", request.AddressText(c.IP)),
		leaf("UserAgent", cmp.Or(c.Agent, "Unknown")),
		leaf("Connected", int(p.Duration()/time.Second)),
		leaf("ID", p.ID),
	)
	if c.User != "" {
		e.children = append(e.children, leaf("username", c.User))
	}
	if c.Referer != "" {
		e.children = append(e.children, leaf("Referer", c.Referer))
	}
	e.children = append(e.children,
		leaf("lag", p.Behind), leaf("protocol", c.Protocol), leaf("tls", c.Encrypted), leaf("bytes_sent", p.Sent()))
	if c.Slave {
		e.children = append(e.children, leaf("slave", true))
	}
	return e
}

// maxListedEvents bounds the events of listevents.
const maxListedEvents = 50

// serveLastEvents answers with the last events, the newest first.
func (c *Commands) serveLastEvents(w http.ResponseWriter, r *request.Facts, _ url.Values) error {
	e := el("icestats")
	for _, event := range c.station.EventLog().Last(maxListedEvents) {
		one := el("event")
		for _, f := range event.All() {
			one.children = append(one.children, leaf(f.Key, f.Value))
		}
		e.children = append(e.children, one)
	}
	return answerElement(w, r, e)
}

// killClient disconnects a listener.
func (c *Commands) killClient(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	if !q.Has("id") {
		return response.Refuse(http.StatusBadRequest, "Missing parameter: id, a number from listclients")
	}
	o := orderOf(r, q, state.OrderKick)
	o.ID, _ = strconv.ParseUint(q.Get("id"), 10, 64) // no listener has 0
	if sent, err := c.sendElsewhere(o); err != nil {
		return err
	} else if sent {
		return iceResponse(w, r, fmt.Sprintf("Client %d removed", o.ID), true)
	}
	l := c.clientOf(q.Get("id"), q.Get("mount"))
	if l == nil {
		return iceResponse(w, r, fmt.Sprintf("Client %s not found", response.Printable(q.Get("id"))), false)
	}
	l.Remove(streaming.Removed)
	c.station.Note(o, nil)
	return iceResponse(w, r, fmt.Sprintf("Client %d removed", l.ID), true)
}

// moveClients moves the listeners of a mount to another one, or lists the mounts.
func (c *Commands) moveClients(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	from, to := q.Get("mount"), q.Get("destination")
	if to == "" {
		list := c.mountElements(from)
		return answerElement(w, r, el("icestats", append([]element{leaf("current_source", from)}, list...)...))
	}
	if from == to && !q.Has("id") { // a moved listener may return
		return response.Refuse(http.StatusBadRequest, "supplied mountpoints are identical")
	}
	if !c.station.Has(to) {
		return response.Refuse(http.StatusBadRequest, "No such destination")
	}
	if q.Has("id") {
		return c.moveClient(w, r, q.Get("id"), from, to)
	}
	o := orderOf(r, q, state.OrderMove)
	o.To, o.Slaves = to, q.Get("slaves") == "1"
	_, err := c.station.Move(from, to, o.Slaves)
	switch peer := c.station.Peer(); {
	case peer != nil && (err == nil || peer.Has(from)):
		if _, err := c.station.Send(o, ""); err != nil {
			return response.Refuse(http.StatusServiceUnavailable, err.Error())
		}
	case err != nil:
		return response.Refuse(http.StatusBadRequest, "Destination not running")
	default:
		c.station.Note(o, nil)
	}
	return iceResponse(w, r, fmt.Sprintf("Clients moved from %s to %s", from, to), true)
}

// moveClient moves one listener to another mount, as in Icecast 2.5.
func (c *Commands) moveClient(w http.ResponseWriter, r *request.Facts, id, from, to string) error {
	l := c.clientOf(id, from)
	if l == nil {
		return iceResponse(w, r, fmt.Sprintf("Client %s not found", response.Printable(id)), false)
	}
	switch err := c.station.MoveListener(l, to); {
	case errors.Is(err, streaming.ErrNoSuchStream):
		return response.Refuse(http.StatusBadRequest, "Destination not running")
	case err != nil:
		return iceResponse(w, r, fmt.Sprintf("Client %s not moved: %v", id, err), false)
	}
	return iceResponse(w, r, fmt.Sprintf("Client %s moved from %s to %s", id, from, to), true)
}

// clientOf returns the listener of a mount with an id, nil if there is none.
func (c *Commands) clientOf(id, mount string) *streaming.Listener {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return nil
	}
	if l := c.station.Listener(n); l != nil && l.Mount().Path == mount {
		return l
	}
	return nil
}
