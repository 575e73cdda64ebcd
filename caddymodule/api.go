package caddymodule

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

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddyserver/caddy/v2"
)

func init() {
	caddy.RegisterModule(new(adminAPI))
}

// apiPrefix is where the stations are on Caddy's admin endpoint.
const apiPrefix = "/icecast/"

// adminAPI lets programs see what the stations do, and act on it, over Caddy's admin
// endpoint. Who may use that may use this; access control by paths and methods is
// Caddy's. What it answers is JSON, errors are those of the admin endpoint.
type adminAPI struct {
	watch  sync.Once     // begins to wait for the end of the server
	ending chan struct{} // closed when the server that this serves for is to end
}

// CaddyModule returns the Caddy module information.
func (*adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.icecast",
		New: func() caddy.Module { return &adminAPI{ending: make(chan struct{})} },
	}
}

// Provision registers the metrics. The app does so too, since there may be no admin
// endpoint; but of a configuration that is rejected the endpoint stays, and its apps,
// perhaps, never were.
func (*adminAPI) Provision(ctx caddy.Context) error { return registerMetrics(ctx) }

// Routes implements caddy.AdminRouter.
func (a *adminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: apiPrefix, Handler: caddy.AdminHandlerFunc(a.serve)}}
}

// apiCall is what may be asked: either see answers a request, or act does something
// that the body says.
type apiCall struct {
	see   func(apiQuery) (any, error)
	act   func(*live, *apiRequest) (any, error)
	words []string // of the query of see
}

var apiCalls = map[string]apiCall{
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

// apiEvents is the call whose answer does not end.
const apiEvents = "events"

func (a *adminAPI) serve(w http.ResponseWriter, r *http.Request) error {
	name := strings.TrimPrefix(r.URL.Path, apiPrefix)
	if name == apiEvents {
		return a.serveEvents(w, r)
	}
	call, ok := apiCalls[name]
	var reply any
	var err error
	switch {
	case !ok:
		names := append(slices.Collect(maps.Keys(apiCalls)), apiEvents)
		slices.Sort(names)
		return apiErrorf(http.StatusNotFound, "there is no %.120q; in %s there is %s", r.URL.Path, apiPrefix, strings.Join(names, ", "))
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

func serveSee(w http.ResponseWriter, r *http.Request, call apiCall) (any, error) {
	q, err := readQuery(w, r, call.words)
	if err != nil {
		return nil, err
	}
	return call.see(q)
}

// apiQuery says what somebody would see; empty is all.
type apiQuery struct {
	stations []*live
	url.Values
}

// wants tells whether a mount is asked for.
func (q apiQuery) wants(mount string) bool {
	only := q.Get("mount")
	return only == "" || only == mount
}

// readQuery reads the query of a request that changes nothing.
func readQuery(w http.ResponseWriter, r *http.Request, words []string) (apiQuery, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return apiQuery{}, wrongMethod(w, "GET, HEAD")
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return apiQuery{}, apiErrorf(http.StatusBadRequest, "the query: %v", err)
	}
	for word := range values {
		if !slices.Contains(words, word) {
			return apiQuery{}, apiErrorf(http.StatusBadRequest, "%.100q is unknown in the query; the words are %s", word, strings.Join(words, ", "))
		}
	}
	if mount := values.Get("mount"); mount != "" {
		if err := mountpath.Check(mount); err != nil { // it would be as if nobody were there
			return apiQuery{}, apiErrorf(http.StatusBadRequest, "mount %.120q: %v", mount, err)
		}
	}
	q := apiQuery{Values: values, stations: stationsInForce()}
	if name := q.Get("station"); name != "" {
		one, err := pickStation(name)
		if err != nil {
			return apiQuery{}, err
		}
		q.stations = []*live{one}
	}
	return q, nil
}

// stationsInForce returns the stations of the configuration, by their names.
func stationsInForce() (all []*live) {
	stations.Range(func(_, value any) bool {
		if l := value.(*live); l.last.Load() != nil {
			all = append(all, l)
		}
		return true
	})
	slices.SortFunc(all, func(a, b *live) int { return strings.Compare(a.name, b.name) })
	return all
}

// pickStation returns the station of that name; without a name it is the only one.
func pickStation(name string) (*live, error) {
	all := stationsInForce()
	var names []string
	for _, l := range all {
		if l.name == name || name == "" && len(all) == 1 {
			return l, nil
		}
		names = append(names, l.name)
	}
	switch {
	case len(all) == 0:
		return nil, apiErrorf(http.StatusNotFound, "no station is configured")
	case name == "":
		return nil, apiErrorf(http.StatusBadRequest, "station: say which, there is %s", strings.Join(names, ", "))
	}
	return nil, apiErrorf(http.StatusNotFound, "there is no station %.100q; there is %s", name, strings.Join(names, ", "))
}

// maxAction is the length of a body that says what to do.
const maxAction = 16 << 10

// apiRequest is the body of a request that does something. Each call has its own words
// of these.
type apiRequest struct {
	Station string  `json:"station"`
	Mount   string  `json:"mount"`
	ID      *uint64 `json:"id"`
	To      string  `json:"to"`
	Artist  *string `json:"artist"`
	Title   *string `json:"title"`
	Song    *string `json:"song"`
	URL     string  `json:"url"`
}

func serveAct(w http.ResponseWriter, r *http.Request, call apiCall) (any, error) {
	if r.Method != http.MethodPost {
		return nil, wrongMethod(w, "POST")
	}
	if ct := r.Header.Get("Content-Type"); !strings.Contains(ct, "/json") { // as Caddy has it, so that no form of a page does it
		return nil, apiErrorf(http.StatusBadRequest, "unacceptable content-type: %.100q; 'application/json' required", ct)
	}
	var req apiRequest
	limited := &io.LimitedReader{R: r.Body, N: maxAction + 1}
	d := json.NewDecoder(limited)
	d.DisallowUnknownFields()
	err := d.Decode(&req)
	if err == nil && d.More() {
		err = errors.New("there is something after the object")
	}
	switch {
	case limited.N <= 0:
		return nil, apiErrorf(http.StatusRequestEntityTooLarge, "the body has %d bytes at most", maxAction)
	case err != nil:
		return nil, apiErrorf(http.StatusBadRequest, "the body: %v", err)
	}
	l, err := pickStation(req.Station)
	if err != nil {
		return nil, err
	}
	return call.act(l, &req)
}

func wrongMethod(w http.ResponseWriter, allowed string) error {
	w.Header().Set("Allow", allowed)
	return apiErrorf(http.StatusMethodNotAllowed, "method not allowed; it is %s", allowed)
}

// apiErrorf is an error as the admin endpoint answers it.
func apiErrorf(status int, format string, args ...any) error {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
}

// Interface guards
var (
	_ caddy.AdminRouter = (*adminAPI)(nil)
	_ caddy.Provisioner = (*adminAPI)(nil)
)
