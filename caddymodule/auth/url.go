package auth

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming"
)

func init() {
	caddy.RegisterModule(new(URL))
}

const (
	// urlAuthTime bounds one question, as Icecast does.
	urlAuthTime = 15 * time.Second
	// urlAuthQuestions bounds the questions at a time.
	urlAuthQuestions = 128
	// urlAuthWorkers bounds the notifications that are posted at a time.
	urlAuthWorkers = 8
	// urlAuthRetry is the time after which a notification is given up.
	urlAuthRetry = 24 * time.Hour
	// maxQuery bounds the query of a listener, in bytes.
	maxQuery = 4 << 10
	// maxHeader bounds a header of its request that is passed on, in bytes.
	maxHeader = 8 << 10
	// urlAuthLength bounds the notifications that wait.
	urlAuthLength = 100_000
)

// URL asks an endpoint whether listeners and sources are admitted, and notifies it when they
// connect and disconnect, with the requests and answers of Icecast's URL authentication.
// Notifications are queued, retried for a day, and outlive a reload and a restart.
type URL struct {
	// URL that decides on listeners. Default: none, and all are admitted.
	ListenerAdd string `json:"listener_add,omitempty"`

	// URL that is notified when a listener has disconnected. Default: none.
	ListenerRemove string `json:"listener_remove,omitempty"`

	// URL that is notified when a source has connected. Default: none.
	MountAdd string `json:"mount_add,omitempty"`

	// URL that is notified when a source has disconnected. Default: none.
	MountRemove string `json:"mount_remove,omitempty"`

	// URL that decides on sources, in place of source_password. Default: none.
	StreamAuth string `json:"stream_auth,omitempty"`

	// The user name for the endpoint, unless its URL has one. Default: requests about a
	// listener have the listener's own credentials, all others have empty ones.
	Username string `json:"username,omitempty"`

	// The password for the endpoint.
	Password string `json:"password,omitempty"`

	// Headers of a listener's request that are passed on. Of several with one name the last
	// is. Default: none.
	Headers []string `json:"headers,omitempty"`

	// Prefix of their names in the form. Default: none.
	HeaderPrefix string `json:"header_prefix,omitempty"`

	// The header of the answer that admits, with its value. Default:
	// `icecast-auth-user: 1`.
	AuthHeader string `json:"auth_header,omitempty"`

	// The header of the answer that limits the time of a listener, in seconds.
	// Default: `icecast-auth-timelimit`.
	TimelimitHeader string `json:"timelimit_header,omitempty"`

	// The longest time for an answer, at most 1h. Default: 15s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// The decision on a listener if there is no answer: `deny` or `allow`. Default:
	// `deny`.
	OnError string `json:"on_error,omitempty"`

	about     Station
	client    *http.Client
	questions chan struct{} // one value for each question that waits for its answer
	notify    *hooks.Hook   // posts notifications
	yes, most string        // names of headers
	yesValue  string
}

// CaddyModule returns the Caddy module information.
func (*URL) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast.auth.url",
		New: func() caddy.Module { return new(URL) },
	}
}

// Provision fills in placeholders, and refuses URLs and names that cannot work.
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
	if a.OnError != "" && a.OnError != "allow" && a.OnError != "deny" {
		return fmt.Errorf("on_error: invalid value %q; expected allow or deny", a.OnError)
	}
	if err := cmp.Or(a.checkHeaders(), a.checkAuthHeader(), a.checkTimelimitHeader(), checkUser(a.Username)); err != nil {
		return err
	}
	a.client = hook.NewClient(cmp.Or(time.Duration(a.Timeout), urlAuthTime), urlAuthQuestions)
	a.questions = make(chan struct{}, urlAuthQuestions)
	return setting.CheckRange("timeout", a.Timeout, caddy.Duration(time.Hour))
}

func (a *URL) checkHeaders() error {
	for _, name := range a.Headers {
		if err := checkHeader("headers", name); err != nil {
			return err
		}
	}
	return nil
}

// checkAuthHeader sets the header that admits a listener.
func (a *URL) checkAuthHeader() error {
	a.yes, a.yesValue, _ = strings.Cut(cmp.Or(a.AuthHeader, "icecast-auth-user: 1"), ":")
	a.yes, a.yesValue = strings.TrimSpace(a.yes), strings.TrimSpace(a.yesValue)
	return checkHeader("auth_header", a.yes)
}

// checkTimelimitHeader sets the header with the time limit of a listener.
func (a *URL) checkTimelimitHeader() error {
	a.most = strings.TrimSpace(strings.TrimSuffix(cmp.Or(a.TimelimitHeader, "icecast-auth-timelimit"), ":"))
	return checkHeader("timelimit_header", a.most)
}

func checkHeader(directive, name string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%s: invalid name %q; expected the name of a header", directive, name)
	}
	return nil
}

// checkUsername is for a user of a Caddyfile, whose placeholders are not filled in yet.
func (a *URL) checkUsername() error {
	if strings.Contains(a.Username, "{") {
		return nil
	}
	return checkUser(a.Username)
}

func checkUser(name string) error {
	if strings.Contains(name, ":") {
		return fmt.Errorf("username: invalid user %q; expected a name without a colon", name)
	}
	return nil
}

// urls returns the URLs by their directives.
func (a *URL) urls() map[string]*string {
	return map[string]*string{
		"listener_add": &a.ListenerAdd, "listener_remove": &a.ListenerRemove,
		"mount_add": &a.MountAdd, "mount_remove": &a.MountRemove, "stream_auth": &a.StreamAuth,
	}
}

// Cleanup closes idle connections.
func (a *URL) Cleanup() error {
	if a.client != nil {
		a.client.CloseIdleConnections()
	}
	return nil
}

// DecidesOnListeners implements ListenerDecider: without listener_add everybody may listen.
func (a *URL) DecidesOnListeners() bool { return a.ListenerAdd != "" }

// AdmitListener implements Module.
func (a *URL) AdmitListener(r *http.Request, q Request) (*streaming.Admission, error) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, fmt.Errorf("%w: query too long; expected at most %d bytes", ErrDenied, maxQuery)
	}
	if r.URL.RawQuery != "" {
		q.Mount += "?" + r.URL.RawQuery
	}
	id := a.about.NewID()
	admission := &streaming.Admission{ID: id}
	gone, stays := a.gone(q, id)
	if a.ListenerAdd == "" {
		stays()
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
	// The endpoint is notified of the end of every listener that it may have admitted.
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
	if admission.OnEnd != nil {
		stays()
	}
	return admission, nil
}

// AdmitSource implements Module. A request without credentials, such as libshout's probe, is
// denied without a question.
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
		return true, err // on_error is about listeners: no source is admitted because an endpoint is down
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
