package adminapi

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
)

// query selects stations and mounts; empty is all.
type query struct {
	stations []*state.Station
	url.Values
}

// includes reports whether a mount is requested.
func (q query) includes(mount string) bool {
	only := q.Get("mount")
	return only == "" || only == mount
}

// readQuery parses the query of a report.
func readQuery(w http.ResponseWriter, r *http.Request, parameters []string) (query, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return query{}, wrongMethod(w, "GET, HEAD")
	}
	values, err := parseQuery(r, parameters)
	if err != nil {
		return query{}, err
	}
	if mount := values.Get("mount"); mount != "" {
		if err := mountpath.Check(mount); err != nil { // else the answer would be empty
			return query{}, errorf(http.StatusBadRequest, "mount %.120q: %v", mount, err)
		}
	}
	q := query{Values: values, stations: state.InForce()}
	if name := q.Get("station"); name != "" {
		one, err := pickStation(name)
		if err != nil {
			return query{}, err
		}
		q.stations = []*state.Station{one}
	}
	return q, nil
}

// parseQuery returns the parameters of a request.
func parseQuery(r *http.Request, parameters []string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errorf(http.StatusBadRequest, "query: %v", err)
	}
	for name := range values {
		if !slices.Contains(parameters, name) {
			return nil, errorf(http.StatusBadRequest, "unknown parameter %.100q; expected one of: %s", name, strings.Join(parameters, ", "))
		}
	}
	return values, nil
}

// pickStation returns the station with a name, or without a name the only one.
func pickStation(name string) (*state.Station, error) {
	all := state.InForce()
	var names []string
	for _, st := range all {
		if st.StationName() == name || name == "" && len(all) == 1 {
			return st, nil
		}
		names = append(names, st.StationName())
	}
	switch {
	case len(all) == 0:
		return nil, errorf(http.StatusNotFound, "no station; expected one in the configuration")
	case name == "":
		return nil, errorf(http.StatusBadRequest, "station: missing; expected one of: %s", strings.Join(names, ", "))
	}
	return nil, errorf(http.StatusNotFound, "station %.100q: unknown; expected one of: %s", name, strings.Join(names, ", "))
}

// maxAction bounds the body of an action, in bytes.
const maxAction = 16 << 10

// actionBody is the body of an action. Each action uses some of its fields.
type actionBody struct {
	Station string  `json:"station"`
	Mount   string  `json:"mount"`
	ID      *uint64 `json:"id"`
	To      string  `json:"to"`
	Slaves  bool    `json:"slaves"` // of a move: theirs, too
	Artist  *string `json:"artist"`
	Title   *string `json:"title"`
	Song    *string `json:"song"`
	URL     string  `json:"url"`
	Slave   string  `json:"slave"`
	Off     bool    `json:"off"`
	Over    string  `json:"over"` // of a drain: a duration such as 5m
	Node    string  `json:"node"` // id or host name of the one that is to do it

	Address string `json:"address"` // of a ban: one of these four
	Network string `json:"network"`
	Agent   string `json:"agent"`
	User    string `json:"user"`
	For     string `json:"for"` // a duration; empty: for ever
	Reason  string `json:"reason"`

	named    string // the id in the query of DELETE
	by, from string // who has sent it
}

func serveAction(w http.ResponseWriter, r *http.Request, call call) (any, error) {
	var req actionBody
	if err := readBody(w, r, &req); err != nil {
		return nil, err
	}
	req.by, req.from = sender(r)
	if call.actionAll != nil && req.Station == "" {
		return call.actionAll(state.InForce(), &req)
	}
	st, err := pickStation(req.Station)
	if err != nil {
		return nil, err
	}
	if call.actionAll != nil {
		return call.actionAll([]*state.Station{st}, &req)
	}
	return call.action(st, &req)
}

// readBody reads the body of an action.
func readBody(w http.ResponseWriter, r *http.Request, body any) error {
	if r.Method != http.MethodPost {
		return wrongMethod(w, "POST")
	}
	if ct := r.Header.Get("Content-Type"); !strings.Contains(ct, "/json") { // as in Caddy, so that a form of a page cannot act
		return errorf(http.StatusBadRequest, "unacceptable content-type: %.100q; 'application/json' required", ct)
	}
	limited := &io.LimitedReader{R: r.Body, N: maxAction + 1}
	d := json.NewDecoder(limited)
	d.DisallowUnknownFields()
	err := d.Decode(body)
	if err == nil && d.More() {
		err = errors.New("data after the object; expected one JSON object")
	}
	switch {
	case limited.N <= 0:
		return errorf(http.StatusRequestEntityTooLarge, "body: too long; expected at most %d bytes", maxAction)
	case err != nil:
		return errorf(http.StatusBadRequest, "body: %v", err)
	}
	return nil
}

// serveRemoval removes what the query names.
func serveRemoval(r *http.Request, call call) (any, error) {
	q, err := parseQuery(r, []string{"station", "id"})
	if err != nil {
		return nil, err
	}
	st, err := pickStation(q.Get("station"))
	if err != nil {
		return nil, err
	}
	req := actionBody{named: q.Get("id")}
	req.by, req.from = sender(r)
	return call.removal(st, &req)
}

// sender returns who has sent a request, and from which address: the admin endpoint knows its clients only
// by their certificates, if at all.
func sender(r *http.Request) (by, from string) {
	by = "admin API"
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		by += " (" + r.TLS.PeerCertificates[0].Subject.CommonName + ")"
	}
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	return response.Printable(by), response.Printable(from)
}
