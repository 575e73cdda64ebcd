package auth

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/internal/version"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/http/httpguts"
)

func init() {
	caddy.RegisterModule(new(URL))
}

const (
	// urlAuthTime bounds one question, as Icecast does.
	urlAuthTime = 15 * time.Second
	// urlAuthQuestions is how many are asked at a time.
	urlAuthQuestions = 128
	// urlAuthWorkers is how many posts that need no answer are under way at a time.
	urlAuthWorkers = 8
	// urlAuthRetry is for how long those are tried again.
	urlAuthRetry = 24 * time.Hour
	// maxQuery is how long the query of a listener may be, in bytes.
	maxQuery = 4 << 10
	// maxHeader is how long a field of its request may be that is passed on.
	maxHeader = 8 << 10
	// urlAuthLength is how many of those may wait.
	urlAuthLength = 100_000
)

// URL asks an endpoint who may listen and who may send, and tells it who
// comes and goes: what it posts, and which answers it understands, are Icecast's.
// What is told and needs no answer is queued, tried again for a day, and outlives
// a reload and a restart.
type URL struct {
	// Asked whether a listener may come. Without it all may.
	ListenerAdd string `json:"listener_add,omitempty"`

	// Told that a listener is gone.
	ListenerRemove string `json:"listener_remove,omitempty"`

	// Told that a source has connected.
	MountAdd string `json:"mount_add,omitempty"`

	// Told that a source is gone.
	MountRemove string `json:"mount_remove,omitempty"`

	// Asked whether a source may feed the mount, in place of source_password.
	StreamAuth string `json:"stream_auth,omitempty"`

	// Whom the endpoint knows us as, unless its URL says that. Default: what is about a listener is posted
	// with the listener's own credentials, all else with empty ones.
	Username string `json:"username,omitempty"`

	// The password that goes with it.
	Password string `json:"password,omitempty"`

	// Fields of a listener's request that are passed on. Of several of a name it is the last.
	Headers []string `json:"headers,omitempty"`

	// What is put before their names.
	HeaderPrefix string `json:"header_prefix,omitempty"`

	// The field of the answer, with its value, that says yes. Default:
	// `icecast-auth-user: 1`.
	AuthHeader string `json:"auth_header,omitempty"`

	// The field of the answer that says for how many seconds somebody may
	// listen. Default: `icecast-auth-timelimit`.
	TimelimitHeader string `json:"timelimit_header,omitempty"`

	// How long an answer may take. Default: 15s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// What happens when there is no answer: `deny`, which is the default, or
	// `allow`.
	OnError string `json:"on_error,omitempty"`

	about     Station
	client    *http.Client
	questions chan struct{} // those that are being asked
	told      *hooks.Hook   // posts what needs no answer
	yes, most string        // names of fields
	yesValue  string
}

// CaddyModule returns the Caddy module information.
func (*URL) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast.auth.url",
		New: func() caddy.Module { return new(URL) },
	}
}

// Provision fills in what is known when the configuration is loaded, and refuses
// what could not be asked.
func (a *URL) Provision(caddy.Context) error {
	repl := caddy.NewReplacer()
	for _, f := range []*string{&a.Username, &a.Password, &a.ListenerAdd, &a.ListenerRemove, &a.MountAdd, &a.MountRemove, &a.StreamAuth} {
		var err error
		if *f, err = repl.ReplaceOrErr(*f, true, true); err != nil {
			return err
		}
	}
	for name, u := range a.urls() {
		if err := hook.CheckURL(*u); err != nil && *u != "" {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range a.Headers {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("headers: %q is no name of a field", name)
		}
	}
	if a.OnError != "" && a.OnError != "allow" && a.OnError != "deny" {
		return fmt.Errorf("on_error %q: write allow or deny", a.OnError)
	}
	a.yes, a.yesValue, _ = strings.Cut(cmp.Or(a.AuthHeader, "icecast-auth-user: 1"), ":")
	a.yes, a.yesValue = strings.TrimSpace(a.yes), strings.TrimSpace(a.yesValue)
	a.most = strings.TrimSpace(strings.TrimSuffix(cmp.Or(a.TimelimitHeader, "icecast-auth-timelimit"), ":"))
	for name, field := range map[string]string{"auth_header": a.yes, "timelimit_header": a.most} {
		if !httpguts.ValidHeaderFieldName(field) {
			return fmt.Errorf("%s: %q is no name of a field", name, field)
		}
	}
	if strings.Contains(a.Username, ":") {
		return fmt.Errorf("the username %q has a colon, which ends a user name; write one without", a.Username)
	}
	a.client = hook.NewClient(cmp.Or(time.Duration(a.Timeout), urlAuthTime), urlAuthQuestions)
	a.questions = make(chan struct{}, urlAuthQuestions)
	return setting.CheckRange("timeout", a.Timeout, caddy.Duration(time.Hour))
}

// urls are the addresses by the names that the Caddyfile has for them.
func (a *URL) urls() map[string]*string {
	return map[string]*string{
		"listener_add": &a.ListenerAdd, "listener_remove": &a.ListenerRemove,
		"mount_add": &a.MountAdd, "mount_remove": &a.MountRemove, "stream_auth": &a.StreamAuth,
	}
}

// Cleanup lets go of the connections that nothing is sent over.
func (a *URL) Cleanup() error {
	if a.client != nil {
		a.client.CloseIdleConnections()
	}
	return nil
}

// Bind implements AuthModule.
func (a *URL) Bind(about Station) []hook.Bound {
	a.about = about
	to := map[hooks.Name]string{
		hooks.ListenerRemoved: a.ListenerRemove, hooks.SourceConnected: a.MountAdd, hooks.SourceDisconnected: a.MountRemove,
	}
	a.told = &hooks.Hook{
		Name:  about.Scope + " auth url",
		Label: "auth url",
		Runner: &hooks.Webhook{
			RetryAll: true, // that a listener has gone is never lost
			URL:      func(e *hooks.Event) string { return to[e.Name] },
			Client:   a.client,
			Body: func(e *hooks.Event) hooks.Body {
				server, port := about.Address()
				return hooks.IcecastForm(e, server, port)
			},
			Prepare: func(req *http.Request, e *hooks.Event) {
				if e.Name == hooks.ListenerRemoved {
					a.sign(req, e.Get("user"), e.Get("pass"))
				} else {
					a.sign(req, "", "")
				}
			},
		},
		Policy: hooks.Policy{
			Workers: urlAuthWorkers, Length: urlAuthLength, Retry: urlAuthRetry, Persist: true,
			Key: func(e *hooks.Event) string { return e.Mount + " " + e.Get("client") }, // listeners don't wait for each other
		},
	}
	var events []hooks.Name
	for _, name := range []hooks.Name{hooks.SourceConnected, hooks.SourceDisconnected} {
		if to[name] != "" {
			events = append(events, name)
		}
	}
	return []hook.Bound{{Hook: a.told, Events: events}}
}

// sign says who asks: us, as the endpoint knows us, or the listener. Credentials in the URL
// are ours and come first, as in Icecast.
func (a *URL) sign(req *http.Request, user, password string) {
	if a.Username != "" {
		user, password = a.Username, a.Password
	}
	if req.URL.User == nil {
		req.SetBasicAuth(user, password)
	}
	req.Header.Set("User-Agent", version.ServerID)
}

// AdmitListener implements AuthModule.
func (a *URL) AdmitListener(r *http.Request, q Request) (*streaming.Admission, error) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, fmt.Errorf("%w: the query is longer than %d bytes", ErrDenied, maxQuery)
	}
	if r.URL.RawQuery != "" {
		q.Mount += "?" + r.URL.RawQuery
	}
	id := a.about.NewID()
	admission := &streaming.Admission{ID: id}
	gone := a.gone(q, id)
	if a.ListenerAdd == "" {
		admission.OnEnd = gone
		return admission, nil
	}
	server, port := a.about.Address()
	pairs := []hooks.Pair{
		{Key: "action", Value: "listener_add"},
		{Key: "server", Value: server},
		{Key: "port", Value: port},
		{Key: "client", Value: strconv.FormatUint(id, 10)},
		{Key: "mount", Value: q.Mount},
		{Key: "user", Value: q.User},
		{Key: "pass", Value: q.Password},
		{Key: "ip", Value: q.IP},
		{Key: "agent", Value: q.Agent},
	}
	passed, err := a.passedOn(r)
	if err != nil {
		return nil, err
	}
	pairs = append(pairs, passed...)
	answer, heard, err := a.ask(r, a.ListenerAdd, q.User, q.Password, pairs)
	// The endpoint is told of the end of all that it may have let in.
	if heard {
		admission.OnEnd = gone
	}
	switch {
	case err == nil && !a.allows(answer):
		return nil, a.denied(answer)
	case err == nil:
		limit, ok := a.timeLimit(answer)
		if !ok {
			if admission.OnEnd != nil {
				admission.OnEnd(0)
			}
			return nil, a.denied(answer)
		}
		admission.User, admission.TimeLimit = q.User, limit
	case a.OnError != "allow", errors.Is(err, errCrowd):
		if heard && answer == nil && gone != nil {
			gone(0)
		}
		return nil, err
	}
	return admission, nil
}

// gone returns what tells the endpoint that a listener is, nil if it is not to be
// told. It holds on to nothing of the request but what is posted.
func (a *URL) gone(q Request, id uint64) func(time.Duration) {
	if a.ListenerRemove == "" {
		return nil
	}
	return func(heard time.Duration) {
		a.about.Enqueue(a.told, hooks.NewEvent(hooks.ListenerRemoved, q.Mount,
			hooks.Count("client", id),
			hooks.Field{Key: "user", Value: q.User},
			hooks.Field{Key: "pass", Value: q.Password},
			hooks.Seconds("duration", heard),
			hooks.Text("ip", q.IP),
			hooks.Text("agent", q.Agent)))
	}
}

// AdmitSource implements AuthModule. Who shows no credentials, as libshout's probe
// does, is not asked about.
func (a *URL) AdmitSource(r *http.Request, q Request) (handled bool, err error) {
	if a.StreamAuth == "" {
		return false, nil
	}
	if !q.Tried {
		return true, ErrDenied
	}
	server, port := a.about.Address()
	pairs := []hooks.Pair{
		{Key: "action", Value: "stream_auth"},
		{Key: "mount", Value: q.Mount},
		{Key: "ip", Value: q.IP},
		{Key: "server", Value: server},
		{Key: "port", Value: port},
		{Key: "user", Value: q.User},
		{Key: "pass", Value: q.Password},
	}
	if q.Admin {
		pairs = append(pairs, hooks.Pair{Key: "admin", Value: "1"})
	}
	answer, _, err := a.ask(r, a.StreamAuth, "", "", pairs)
	switch {
	case err != nil:
		return true, err // on_error is about listeners: nobody sends because an endpoint is down
	case !a.allows(answer):
		return true, a.denied(answer)
	}
	return true, nil
}

// Interface guards
var (
	_ caddy.Provisioner  = (*URL)(nil)
	_ caddy.CleanerUpper = (*URL)(nil)
	_ Module             = (*URL)(nil)
)
