package adminapi

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/state"
)

// OrderReport is the report on an order.
type OrderReport struct {
	Station string `json:"station"`
	state.Order
}

func listOrders(q query) (any, error) {
	return gather(q, func(st *state.Station) (all []OrderReport) {
		for _, o := range st.Orders() {
			all = append(all, OrderReport{st.StationName(), o})
		}
		return all
	})
}

type action func(*state.Station, *actionBody) (any, error)

// ordered returns an action that is done at the node it is for, and noted.
func ordered(kind string, do action) action {
	return func(st *state.Station, req *actionBody) (any, error) {
		o, to, err := orderFor(st, kind, req)
		switch {
		case err != nil:
			return nil, err
		case to != "":
			return sendOrder(st, o, to)
		}
		reply, err := do(st, req)
		if kind == state.OrderMove && req.ID == nil && req.Node == "" && st.Peer() != nil {
			return moveEverywhere(st, o, reply, err)
		}
		if status := statusOf(err); status != http.StatusBadRequest {
			st.Note(o, err)
		}
		return reply, err
	}
}

// orderFor returns the order of a request, and the id of the other node that it is for; empty: it is for this one.
func orderFor(st *state.Station, kind string, req *actionBody) (o *state.Order, to string, err error) {
	if o, err = orderOf(kind, req); err != nil {
		return nil, "", err
	}
	if to, err = st.Target(o); err != nil {
		return nil, "", errorf(http.StatusNotFound, "node %.100q: %w", req.Node, err)
	}
	return o, to, nil
}

// sendOrder sends an order to another node.
func sendOrder(st *state.Station, o *state.Order, to string) (any, error) {
	spread, err := st.Send(o, to)
	if err != nil {
		return nil, errorf(http.StatusServiceUnavailable, "%w", err)
	}
	return map[string]any{"sent": o.Kind, "node": to, "nodes": spread.Nodes, "pending": spread.IsPending}, nil
}

// moveEverywhere moves the listeners of a mount at the other nodes, too. It is no error if there are none here.
func moveEverywhere(st *state.Station, o *state.Order, reply any, err error) (any, error) {
	if status := statusOf(err); err != nil && (status == http.StatusBadRequest || !st.Peer().Has(o.Mount)) {
		return nil, err
	}
	spread, sendErr := st.Send(o, "")
	if sendErr != nil {
		return nil, errorf(http.StatusServiceUnavailable, "%w", sendErr)
	}
	all, ok := reply.(map[string]any)
	if !ok {
		all = map[string]any{"moved": 0, "slaves": 0, "mount": o.Mount, "to": o.To}
	}
	return spreadOf(st, spread, all), nil
}

// orderedAll is ordered for actions on all stations.
func orderedAll(kind string, do func([]*state.Station, *actionBody) (any, error)) func([]*state.Station, *actionBody) (any, error) {
	return func(stations []*state.Station, req *actionBody) (any, error) {
		var sent any
		var here []*state.Station
		for _, st := range stations {
			o, to, err := orderFor(st, kind, req)
			switch {
			case err != nil:
				return nil, err
			case to == "":
				here = append(here, st)
				continue
			}
			if sent, err = sendOrder(st, o, to); err != nil {
				return nil, err
			}
		}
		if len(here) == 0 && sent != nil {
			return sent, nil
		}
		reply, err := do(here, req)
		for _, st := range here {
			if o, invalid := orderOf(kind, req); invalid == nil && statusOf(err) != http.StatusBadRequest {
				st.Note(o, err)
			}
		}
		return reply, err
	}
}

// orderOf returns the order that a request is.
func orderOf(kind string, req *actionBody) (*state.Order, error) {
	o := &state.Order{Kind: kind, By: req.by, From: req.from, Node: req.Node}
	o.Mount, o.To, o.Slaves, o.URL, o.Over = req.Mount, req.To, req.Slaves, req.URL, req.Over
	if req.ID != nil {
		o.ID = *req.ID
	}
	if kind == state.OrderTitle {
		var err error
		if o.Artist, o.Title, err = titleOf(req); err != nil {
			return nil, err
		}
	}
	if kind == state.OrderDrain {
		if _, err := state.ParseWindow(req.Over); err != nil {
			return nil, errorf(http.StatusBadRequest, "%w", err)
		}
	}
	return o, nil
}

// statusOf returns the status of the answer for an error, 0 for none.
func statusOf(err error) int {
	if e, ok := errors.AsType[caddy.APIError](err); ok {
		return e.HTTPStatus
	}
	return 0
}
