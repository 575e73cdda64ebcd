// Package auth decides which sources, listeners and administrators a station admits.
//
// A Gate has the credentials of a station (a Verifier each) and the modules of its mounts:
// htpasswd, url, off, and those of other plugins, in the namespace icecast.auth. It returns a
// refusal as an error; the caller writes it. A Grant is the right to feed a mount that a
// listener wrapper passes to the request of a source that has logged in without HTTP.
//
// A Gate and its modules belong to one configuration and do not change. Their methods are
// called from the goroutines of the requests, and may block there: no lock of the station is
// held. Nothing here writes to a connection or moves a listener.
package auth

import (
	"errors"
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/icy"
)

// Module is implemented by the modules of the namespace icecast.auth, which decide on the
// listeners of a mount, and perhaps on its sources. A module may implement UserManager, too,
// and any of Caddy's interfaces such as caddy.Provisioner.
type Module interface {
	// Bind passes the station and the scope that the module is set for. It is called once,
	// after Provision and before any request. The hooks that it returns run with those of
	// the configuration; nil is none.
	Bind(Station) []hook.Bound

	// AdmitListener decides whether a listener may hear a mount. It returns what to apply
	// to the listener; the zero Admission is enough. A rejection is an error that wraps one
	// of those below. It is called from the goroutine of each request, and may block until
	// the context of the request ends.
	AdmitListener(*http.Request, Request) (*streaming.Admission, error)

	// AdmitSource decides whether a source may feed a mount or, for an admin command,
	// change it. If handled is false, the module does not decide on sources and the
	// station's passwords count.
	AdmitSource(*http.Request, Request) (handled bool, err error)
}

// ListenerDecider is implemented by a Module that does not decide on listeners in every
// configuration. A Module without it always does.
type ListenerDecider interface {
	// DecidesOnListeners reports whether AdmitListener may refuse a listener.
	DecidesOnListeners() bool
}

// ListenerAdopter is implemented by a Module that keeps account of its listeners.
type ListenerAdopter interface {
	// AdoptListener takes a listener of a user into account whom an older process has admitted, whatever
	// the limits are. OnEnd of what it returns is called once.
	AdoptListener(user string) *streaming.Admission
}

// Station is the view that a module has of its station. The functions may be called from any
// goroutine.
type Station struct {
	hook.Station

	// Scope is the mount, or the pattern of mounts, that the module is set for.
	Scope string

	// NewID returns a number that no listener has had.
	NewID func() uint64

	// Enqueue queues an event for one of the hooks that Bind returned.
	Enqueue func(*hooks.Hook, *hooks.Event)

	// SetWill keeps an event for such a hook, which the next process delivers if this one is killed
	// before an event of the same ID is queued. Its time is when that began whose end it is.
	SetWill func(*hooks.Hook, *hooks.Event)

	// Sessions counts listeners, across configurations.
	Sessions *Sessions
}

// Request is a request for a mount, with the facts that a decision needs.
type Request struct {
	Mount          string
	User, Password string
	Tried          bool // whether there are credentials
	IP             string
	Agent          string
	Admin          bool // whether it is an admin command
}

// The reasons of a rejection. The client sees the text of ErrUnavailable and ErrSessions, and
// a challenge for all other errors.
var (
	ErrDenied      = errors.New("not admitted") // wrong or missing credentials
	ErrUnavailable = errors.New("authentication backend unavailable")
	ErrSessions    = errors.New("too many connections of this user")
)

// maxCredential bounds a user and a password, in bytes.
const maxCredential = 1024

// NewRequest returns the Request for a module. The error is ErrDenied if the credentials are
// longer than any real ones.
func NewRequest(r *request.Facts, mount string, admin bool) (Request, error) {
	q := Request{Mount: mount, IP: r.ClientIP, Agent: icy.Cut(icy.Clean(r.UserAgent()), maxCredential), Admin: admin}
	q.User, q.Password, q.Tried = r.BasicAuth()
	if len(q.User) > maxCredential || len(q.Password) > maxCredential {
		return q, ErrDenied
	}
	return q, nil
}
