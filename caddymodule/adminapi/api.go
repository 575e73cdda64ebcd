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

	"github.com/caddycast/caddycast/caddymodule/metrics"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddyserver/caddy/v2"
)

func init() {
	caddy.RegisterModule(new(Endpoint))
}

// Prefix is where the stations are on Caddy's admin endpoint.
const Prefix = "/icecast/"

// Endpoint lets programs see what the stations do, and act on it, over Caddy's admin
// endpoint. Who may use that may use this; access control by paths and methods is
// Caddy's. What it answers is JSON, errors are those of the admin endpoint.
type Endpoint struct {
	watch  sync.Once     // begins to wait for the end of the server
	ending chan struct{} // closed when the server that this serves for is to end
}

// CaddyModule returns the Caddy module information.
func (*Endpoint) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.icecast",
		New: func() caddy.Module { return &Endpoint{ending: make(chan struct{})} },
	}
}

// Provision registers the metrics. The app does so too, since there may be no admin
// endpoint; but of a configuration that is rejected the endpoint stays, and its apps,
// perhaps, never were.
func (*Endpoint) Provision(ctx caddy.Context) error { return metrics.Register(ctx) }

// Routes implements caddy.AdminRouter.
func (a *Endpoint) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: Prefix, Handler: caddy.AdminHandlerFunc(a.serve)}}
}

// call is what may be asked: either see answers a request, or act does something
// that the body says.
type call struct {
	see   func(query) (any, error)
	act   func(*state.Station, *action) (any, error)
	words []string // of the query of see
}

var calls = map[string]call{
	"stations":  {see: seeStations, words: []string{"station"}},
	"mounts":    {see: seeMounts, words: []string{"station", "mount"}},
	"listeners": {see: seeListeners, words: []string{"station", "mount"}},
	"relays":    {see: seeRelays, words: []string{"station", "mount"}},
	"slaves":    {see: seeSlaves, words: []string{"station"}},
	"kick":      {act: kick},
	"move":      {act: move},
	"kill":      {act: kill},
	"metadata":  {act: retitle},
}

// EventsCall is the call whose answer does not end.
const EventsCall = "events"

func (a *Endpoint) serve(w http.ResponseWriter, r *http.Request) error {
	name := strings.TrimPrefix(r.URL.Path, Prefix)
	if name == EventsCall {
		return a.serveEvents(w, r)
	}
	call, ok := calls[name]
	var reply any
	var err error
	switch {
	case !ok:
		names := append(slices.Collect(maps.Keys(calls)), EventsCall)
		slices.Sort(names)
		return errorf(http.StatusNotFound, "there is no %.120q; in %s there is %s", r.URL.Path, Prefix, strings.Join(names, ", "))
	case call.see != nil:
		reply, err = serveSee(w, r, call)
	default:
		reply, err = serveAct(w, r, call)
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
	_, _ = w.Write(append(body, '\n')) // who does not read it is gone
	return nil
}

func serveSee(w http.ResponseWriter, r *http.Request, call call) (any, error) {
	q, err := readQuery(w, r, call.words)
	if err != nil {
		return nil, err
	}
	return call.see(q)
}

// query says what somebody would see; empty is all.
type query struct {
	stations []*state.Station
	url.Values
}

// wants tells whether a mount is asked for.
func (q query) wants(mount string) bool {
	only := q.Get("mount")
	return only == "" || only == mount
}

// readQuery reads the query of a request that changes nothing.
func readQuery(w http.ResponseWriter, r *http.Request, words []string) (query, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return query{}, wrongMethod(w, "GET, HEAD")
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, errorf(http.StatusBadRequest, "the query: %v", err)
	}
	for word := range values {
		if !slices.Contains(words, word) {
			return query{}, errorf(http.StatusBadRequest, "%.100q is unknown in the query; the words are %s", word, strings.Join(words, ", "))
		}
	}
	if mount := values.Get("mount"); mount != "" {
		if err := mountpath.Check(mount); err != nil { // it would be as if nobody were there
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

// pickStation returns the station of that name; without a name it is the only one.
func pickStation(name string) (*state.Station, error) {
	all := state.InForce()
	var names []string
	for _, l := range all {
		if l.StationName() == name || name == "" && len(all) == 1 {
			return l, nil
		}
		names = append(names, l.StationName())
	}
	switch {
	case len(all) == 0:
		return nil, errorf(http.StatusNotFound, "no station is configured")
	case name == "":
		return nil, errorf(http.StatusBadRequest, "station: say which, there is %s", strings.Join(names, ", "))
	}
	return nil, errorf(http.StatusNotFound, "there is no station %.100q; there is %s", name, strings.Join(names, ", "))
}

// maxAction is the length of a body that says what to do.
const maxAction = 16 << 10

// action is the body of a request that does something. Each call has its own words
// of these.
type action struct {
	Station string  `json:"station"`
	Mount   string  `json:"mount"`
	ID      *uint64 `json:"id"`
	To      string  `json:"to"`
	Artist  *string `json:"artist"`
	Title   *string `json:"title"`
	Song    *string `json:"song"`
	URL     string  `json:"url"`
}

func serveAct(w http.ResponseWriter, r *http.Request, call call) (any, error) {
	if r.Method != http.MethodPost {
		return nil, wrongMethod(w, "POST")
	}
	if ct := r.Header.Get("Content-Type"); !strings.Contains(ct, "/json") { // as Caddy has it, so that no form of a page does it
		return nil, errorf(http.StatusBadRequest, "unacceptable content-type: %.100q; 'application/json' required", ct)
	}
	var req action
	limited := &io.LimitedReader{R: r.Body, N: maxAction + 1}
	d := json.NewDecoder(limited)
	d.DisallowUnknownFields()
	err := d.Decode(&req)
	if err == nil && d.More() {
		err = errors.New("there is something after the object")
	}
	switch {
	case limited.N <= 0:
		return nil, errorf(http.StatusRequestEntityTooLarge, "the body has %d bytes at most", maxAction)
	case err != nil:
		return nil, errorf(http.StatusBadRequest, "the body: %v", err)
	}
	l, err := pickStation(req.Station)
	if err != nil {
		return nil, err
	}
	return call.act(l, &req)
}

func wrongMethod(w http.ResponseWriter, allowed string) error {
	w.Header().Set("Allow", allowed)
	return errorf(http.StatusMethodNotAllowed, "method not allowed; it is %s", allowed)
}

// errorf is an error as the admin endpoint answers it.
func errorf(status int, format string, args ...any) error {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
}

// Interface guards
var (
	_ caddy.AdminRouter = (*Endpoint)(nil)
	_ caddy.Provisioner = (*Endpoint)(nil)
)
