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
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/metrics"
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
	removal    func(*state.Station, *actionBody) (any, error)   // of what an id in the query of DELETE names
}

// isAction reports whether a method asks for the action of a call that has a report, too.
func (c *call) isAction(method string) bool {
	return c.report == nil || method == http.MethodPost && (c.action != nil || c.actionAll != nil)
}

var calls = map[string]call{
	"stations":  {report: listStations, parameters: []string{"station"}},
	"mounts":    {report: listMounts, parameters: []string{"station", "mount"}},
	"listeners": {report: listListeners, parameters: []string{"station", "mount"}},
	"relays":    {report: listRelays, parameters: []string{"station", "mount"}},
	"slaves":    {report: listSlaves, parameters: []string{"station"}},
	"masters":   {report: listMasters, parameters: []string{"station"}},
	"kick":      {action: ordered(state.OrderKick, kick)},
	"move":      {action: ordered(state.OrderMove, move)},
	"kill":      {action: ordered(state.OrderKill, kill)},
	"metadata":  {action: ordered(state.OrderTitle, retitle)},
	"bans":      {report: listBans, parameters: []string{"station"}, action: addBan, removal: removeBan},

	"orders":  {report: listOrders, parameters: []string{"station"}},
	"drain":   {report: listDrains, parameters: []string{"station"}, actionAll: orderedAll(state.OrderDrain, drain)},
	"undrain": {actionAll: orderedAll(state.OrderUndrain, undrain)},

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
	case r.Method == http.MethodDelete && call.removal != nil:
		reply, err = serveRemoval(r, call)
	case call.isAction(r.Method):
		reply, err = serveAction(w, r, call)
	default:
		reply, err = serveReport(w, r, call)
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
