// Package adminapi reports on the stations and acts on them over Caddy's admin endpoint, for
// programs: /icecast/stations, mounts, listeners, relays, slaves, masters, events; kick, move,
// kill, metadata, drain, undrain, slaves/drain, slaves/remove; upgrade; and the health: live, ready.
//
// A call of the table is either a report, which answers GET from a query, or an action, which
// does what the JSON body of a POST says. Reports are the exported types; the command
// `caddy icecast` prints them. The endpoint finds the stations in force by package state and
// keeps nothing itself; it may be called from any goroutine.
//
// Access control is Caddy's. Nothing here writes to a listener or waits for one.
package adminapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/metrics"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/state"
)

func init() {
	caddy.RegisterModule(new(Endpoint))
}

// Prefix is where the stations are on Caddy's admin endpoint.
const Prefix = "/icecast/"

// Endpoint reports on the stations and acts on them over Caddy's admin endpoint, whose access
// control by paths and methods applies. Answers are JSON, errors those of the admin endpoint.
type Endpoint struct {
	watch  sync.Once     // registers for the end of the server
	ending chan struct{} // closed when the server is about to end
}

// CaddyModule returns the Caddy module information.
func (*Endpoint) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.icecast",
		New: func() caddy.Module { return &Endpoint{ending: make(chan struct{})} },
	}
}

// Provision registers the metrics. The app does so too, since there may be no admin endpoint;
// but the endpoint of a rejected configuration stays, and its apps may never have been loaded.
func (*Endpoint) Provision(ctx caddy.Context) error { return metrics.Register(ctx) }

// Routes implements caddy.AdminRouter.
func (a *Endpoint) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: Prefix, Handler: caddy.AdminHandlerFunc(a.serve)}}
}

// call is a report with the parameters of its query, or an action, on one station or on several,
// or both.
type call struct {
	report     func(query) (any, error)
	parameters []string
	action     func(*state.Station, *actionBody) (any, error)
	actionAll  func([]*state.Station, *actionBody) (any, error) // without a station in the body: on all
}

var calls = map[string]call{
	"stations":  {report: listStations, parameters: []string{"station"}},
	"mounts":    {report: listMounts, parameters: []string{"station", "mount"}},
	"listeners": {report: listListeners, parameters: []string{"station", "mount"}},
	"relays":    {report: listRelays, parameters: []string{"station", "mount"}},
	"slaves":    {report: listSlaves, parameters: []string{"station"}},
	"masters":   {report: listMasters, parameters: []string{"station"}},
	"kick":      {action: kick},
	"move":      {action: move},
	"kill":      {action: kill},
	"metadata":  {action: retitle},

	"drain":   {report: listDrains, parameters: []string{"station"}, actionAll: drain},
	"undrain": {actionAll: undrain},

	"slaves/drain":  {action: drainSlave},
	"slaves/remove": {action: remove},
}

// EventsCall is the name of the call with an endless answer.
const EventsCall = "events"

func (a *Endpoint) serve(w http.ResponseWriter, r *http.Request) error {
	name := strings.TrimPrefix(r.URL.Path, Prefix)
	switch name {
	case EventsCall:
		return a.serveEvents(w, r)
	case liveCall, readyCall:
		return serveHealth(w, r, name)
	case upgradeCall:
		return serveUpgrade(w, r)
	}
	call, ok := calls[name]
	var reply any
	var err error
	switch {
	case !ok:
		names := append(slices.Collect(maps.Keys(calls)), EventsCall, liveCall, readyCall, upgradeCall)
		slices.Sort(names)
		return errorf(http.StatusNotFound, "%.120q: unknown path; expected, below %s, one of: %s", r.URL.Path, Prefix, strings.Join(names, ", "))
	case call.report != nil && (r.Method != http.MethodPost || call.actionAll == nil):
		reply, err = serveReport(w, r, call)
	default:
		reply, err = serveAction(w, r, call)
	}
	if err != nil {
		return err
	}
	body, err := json.Marshal(reply)
	if err != nil {
		return fmt.Errorf("rendering an answer: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n')) // a client that does not read it has left
	return nil
}

func serveReport(w http.ResponseWriter, r *http.Request, call call) (any, error) {
	q, err := readQuery(w, r, call.parameters)
	if err != nil {
		return nil, err
	}
	return call.report(q)
}

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
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, errorf(http.StatusBadRequest, "query: %v", err)
	}
	for name := range values {
		if !slices.Contains(parameters, name) {
			return query{}, errorf(http.StatusBadRequest, "unknown parameter %.100q; expected one of: %s", name, strings.Join(parameters, ", "))
		}
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
}

func serveAction(w http.ResponseWriter, r *http.Request, call call) (any, error) {
	var req actionBody
	if err := readBody(w, r, &req); err != nil {
		return nil, err
	}
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

func wrongMethod(w http.ResponseWriter, allowed string) error {
	w.Header().Set("Allow", allowed)
	return errorf(http.StatusMethodNotAllowed, "method: not allowed; expected %s", allowed)
}

// errorf returns an error with the status of its answer.
func errorf(status int, format string, args ...any) error {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
}

// Interface guards
var (
	_ caddy.AdminRouter = (*Endpoint)(nil)
	_ caddy.Provisioner = (*Endpoint)(nil)
)
