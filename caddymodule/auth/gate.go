package auth

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
)

// Gate decides which sources and listeners the mounts of a station admit. Its fields are set
// once, before it is used.
type Gate struct {
	Admin *Verifier // administrators; nil: nobody
	Relay *Verifier // slaves without credentials of their own; nil: nobody

	// Slaves are the slaves with credentials of their own.
	Slaves []SlaveLogin

	// Source returns the verifier of the sources of a mount; nil: it admits none.
	Source func(mount string) *Verifier

	// Modules are the modules of mounts and patterns.
	Modules mountpath.Index[Module]

	// Roles are the paths of the blocks with a module, by the number that Icecast 2.5 gives to
	// such a role; empty if the number is that of other credentials.
	Roles []string

	// Master decides on mounts without a module that the masters protect; nil: nobody does.
	Master *Master
}

// Module returns the module that decides on a mount, nil if there is none.
func (g *Gate) Module(mount string) Module {
	m, found := g.Modules.Find(mount, func(Module) bool { return true })
	if _, off := m.(*Off); off {
		return nil
	}
	if !found && g.AsksMaster(mount) {
		return g.Master
	}
	return m
}

// AsksMaster reports whether a master decides on the listeners of a mount.
func (g *Gate) AsksMaster(mount string) bool { return g.MayAskMaster(mount) && g.Master.Guards(mount) }

// MayAskMaster reports whether a master decides on the listeners of a mount as soon as it
// protects the mount: the mount has no module of its own, and no auth off.
func (g *Gate) MayAskMaster(mount string) bool {
	if g.Master == nil {
		return false
	}
	_, found := g.Modules.Find(mount, func(Module) bool { return true })
	return !found
}

// Kind returns the kind of the module that decides on a mount, such as "url"; empty for
// none.
func (g *Gate) Kind(mount string) string {
	if m, ok := g.Module(mount).(caddy.Module); ok {
		return m.CaddyModule().ID.Name()
	}
	return ""
}

// DecidesOnListeners reports whether a module may refuse listeners of a mount.
func (g *Gate) DecidesOnListeners(mount string) bool {
	m := g.Module(mount)
	if d, ok := m.(ListenerDecider); ok {
		return d.DecidesOnListeners()
	}
	return m != nil
}

// AuthorizeListener asks a mount's module about a listener. It returns nil if the module is nil,
// else what the module admits; OnEnd of that is called once, by the caller or by the
// engine. The error is a *response.Refusal.
func AuthorizeListener(r *request.Facts, module Module, mount string) (*streaming.Admission, error) {
	if module == nil {
		return nil, nil
	}
	q, err := NewRequest(r, mount, false)
	if err != nil {
		return nil, notAuthorized(q, err)
	}
	admission, err := module.AdmitListener(r.Request, q)
	if err != nil {
		return nil, notAuthorized(q, err)
	}
	return admission, nil
}

// AuthorizeSource decides whether a request may feed a mount or, for an admin command, change
// it: by the mount's module if that decides on sources, else by the verifiers. It returns the
// user. The error is a *response.Refusal.
func (g *Gate) AuthorizeSource(r *request.Facts, mount string, admin bool, verifiers ...*Verifier) (user string, err error) {
	if module := g.Module(mount); module != nil {
		q, err := NewRequest(r, mount, admin)
		if err != nil {
			return "", notAuthorized(q, err)
		}
		if admin {
			if ok, err := isLogin(r, g.Admin); ok || err != nil {
				return q.User, err
			}
		}
		if handled, err := module.AdmitSource(r.Request, q); handled {
			if err != nil {
				return "", notAuthorized(q, err)
			}
			return q.User, nil
		}
	}
	if _, err := authorize(r, mount, verifiers...); err != nil {
		return "", err
	}
	user, _, _ = r.BasicAuth()
	return user, nil
}

// AuthorizePassword is AuthorizeSource for clients that send a password and no user: it is
// asked as the user of the mount's sources. Handled is false if the mount's module does not
// decide on sources.
func (g *Gate) AuthorizePassword(r *request.Facts, mount, password string, admin bool) (user string, handled bool, err error) {
	module := g.Module(mount)
	if module == nil {
		return "", false, nil
	}
	if admin {
		switch v, err := Verify(r.Context(), r.Addr, password, g.Admin); {
		case err != nil: // the module must not get the administrator's password
			return "", true, Busy(err)
		case v != nil:
			return v.User, true, nil
		}
	}
	user = "source"
	if l := g.Source(mount); l != nil {
		user = l.User
	}
	asked := r.Clone(r.Context())
	asked.SetBasicAuth(user, password)
	q, err := NewRequest(&request.Facts{Request: asked, ClientIP: r.ClientIP, Addr: r.Addr, Scheme: r.Scheme, AskedHost: r.AskedHost}, mount, admin)
	if err == nil {
		handled, err = module.AdmitSource(asked, q)
		if !handled {
			return "", false, nil
		}
	}
	if err != nil {
		return "", true, notAuthorized(q, err)
	}
	return user, true, nil
}

// isLogin reports whether a request has the credentials of a verifier, which may be nil. The
// password of another user is not compared: the request is then decided by somebody else, who
// must not get a password that only waits too long here.
func isLogin(r *request.Facts, v *Verifier) (bool, error) {
	l, ok := loginOf(r, operatorQueue)
	if !ok || v == nil || v.isUser(&l) != 1 {
		return false, nil
	}
	accepting, err := l.verify(r.Context(), v)
	if err != nil {
		return false, Busy(err)
	}
	return accepting != nil, nil
}

// Authorize returns a refusal unless a request has the credentials of one of the verifiers.
func Authorize(r *request.Facts, verifiers ...*Verifier) error {
	_, err := authorize(r, r.URL.Query().Get("mount"), verifiers...)
	return err
}

// authorize returns the one of the verifiers whose credentials a request has. The error is a
// refusal.
func authorize(r *request.Facts, mount string, verifiers ...*Verifier) (*Verifier, error) {
	l, ok := loginOf(r, operatorQueue)
	if !ok {
		return nil, response.Challenge()
	}
	switch v, err := l.verify(r.Context(), verifiers...); {
	case err != nil:
		return nil, Busy(err)
	case v != nil:
		return v, nil
	}
	return nil, Failed(mount, l.user, kindFor(&l, verifiers))
}

// kindFor returns the kind of the credential that a login was meant for: that of its user, else
// the first.
func kindFor(l *login, verifiers []*Verifier) string {
	kind := ""
	for _, v := range verifiers {
		switch {
		case v == nil:
		case v.isUser(l) == 1:
			return v.Kind
		case kind == "":
			kind = v.Kind
		}
	}
	return kind
}

// Failed is the refusal of wrong credentials. kind is that of the right ones.
func Failed(mount, user, kind string) *response.Refusal {
	return response.Challenge().Because(ErrDenied).Warned("authentication failed",
		zap.String("mount", response.Printable(mount)), zap.String("user_id", response.Printable(user)),
		zap.String("credential", kind))
}

// Busy is the refusal of a request whose password has waited too long for its comparison.
func Busy(err error) error {
	return response.Refuse(http.StatusServiceUnavailable, err.Error()).With("Retry-After", "5").Because(err)
}

// notAuthorized is the refusal for an error of a module.
func notAuthorized(q Request, err error) error {
	refusal, decided := errors.AsType[*response.Refusal](err)
	switch {
	case decided: // by a master
		err = ErrDenied
	case errors.Is(err, ErrUnavailable):
		refusal = response.Refuse(http.StatusServiceUnavailable, ErrUnavailable.Error()).With("Retry-After", "5")
	case errors.Is(err, ErrSessions):
		refusal = response.Refuse(http.StatusForbidden, ErrSessions.Error())
	case errors.Is(err, ErrDenied) && q.Tried:
		return Failed(q.Mount, q.User, KindModule).Because(err)
	default:
		refusal = response.Challenge()
	}
	return refusal.Because(err).Logged(zapcore.InfoLevel, "not admitted",
		zap.String("mount", response.Printable(q.Mount)), zap.String("user_id", response.Printable(q.User)), zap.Error(err))
}
