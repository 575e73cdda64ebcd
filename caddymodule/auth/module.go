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

// Module is a module of the namespace icecast.auth: it says who may do what
// on a mount.
type Module interface {
	// Bind tells what the module is for. It is called once, after Provision.
	// The hooks that are returned run as those of the configuration do.
	Bind(Station) []hook.Bound

	// AdmitListener says whether somebody may hear a mount: it returns what
	// comes with that, or a reason why not, one of those below or an error that
	// wraps one. It may block as long as it takes to ask.
	AdmitListener(*http.Request, Request) (*streaming.Admission, error)

	// AdmitSource says whether somebody may feed a mount or, if it is for an
	// admin command, change it. Handled is false if sources are not its business.
	AdmitSource(*http.Request, Request) (handled bool, err error)
}

// Station is what a module may know of its station.
type Station struct {
	hook.Station
	Scope string // the mount or the pattern that the module is set for

	// NewID returns a number that no listener has had.
	NewID func() uint64
	// Enqueue queues an event for one of the module's hooks.
	Enqueue func(*hooks.Hook, *hooks.Event)
	// Sessions counts those who listen, across configurations.
	Sessions *Sessions
}

// Request is who asks for what.
type Request struct {
	Mount          string
	User, Password string
	Tried          bool // there are credentials
	IP             string
	Agent          string
	Admin          bool // it is for an admin command
}

// Why somebody is not admitted.
var (
	ErrDenied      = errors.New("not admitted") // the credentials are wrong, or missing
	ErrUnavailable = errors.New("who may listen can't be found out now")
	ErrSessions    = errors.New("the user is listening already, as often as may be")
)

// maxCredential is how long a user or a password may be.
const maxCredential = 1024

// NewRequest returns what a module is asked about a request. It is ErrDenied if the
// credentials are longer than any real ones.
func NewRequest(r *request.Facts, mount string, admin bool) (Request, error) {
	q := Request{Mount: mount, IP: r.ClientIP, Agent: icy.Cut(icy.Clean(r.UserAgent()), maxCredential), Admin: admin}
	q.User, q.Password, q.Tried = r.BasicAuth()
	if len(q.User) > maxCredential || len(q.Password) > maxCredential {
		return q, ErrDenied
	}
	return q, nil
}
