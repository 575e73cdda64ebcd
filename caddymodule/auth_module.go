package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/icy"
	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// AuthModule is a module of the namespace icecast.auth: it says who may do what
// on a mount.
type AuthModule interface {
	// Bind tells what the module is for. It is called once, after Provision.
	// The hooks that are returned run as those of the configuration do.
	Bind(AuthStation) []AuthHook

	// AdmitListener says whether somebody may hear a mount: it returns what
	// comes with that, or a reason why not, one of those below or an error that
	// wraps one. It may block as long as it takes to ask.
	AdmitListener(*http.Request, AuthRequest) (*streaming.Admission, error)

	// AdmitSource says whether somebody may feed a mount or, if it is for an
	// admin command, change it. Handled is false if sources are not its business.
	AdmitSource(*http.Request, AuthRequest) (handled bool, err error)
}

// AuthHook is what is done upon some events of the module's mounts. Its name must
// be no other's.
type AuthHook struct {
	*hooks.Hook
	Events []hooks.Name
}

// AuthStation is what a module may know of its station.
type AuthStation struct {
	HookStation
	Scope string // the mount or the pattern that the module is set for

	// NewID returns a number that no listener has had.
	NewID func() uint64
	// Enqueue queues an event for one of the module's hooks.
	Enqueue func(*hooks.Hook, *hooks.Event)
	// Sessions counts those who listen, across configurations.
	Sessions *Sessions
}

// AuthRequest is who asks for what.
type AuthRequest struct {
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

func authRequest(r *http.Request, mount string, admin bool) (AuthRequest, error) {
	q := AuthRequest{Mount: mount, IP: response.ClientIP(r), Agent: icy.Cut(icy.Clean(r.UserAgent()), maxCredential), Admin: admin}
	q.User, q.Password, q.Tried = r.BasicAuth()
	if len(q.User) > maxCredential || len(q.Password) > maxCredential {
		return q, ErrDenied
	}
	return q, nil
}

// auths are the modules of a station.
type auths struct{ mounts mountpath.Index[AuthModule] }

// provisionAuth loads what says who may do what on which mount, and adds its hooks
// to the plan.
func (s *Station) provisionAuth(ctx caddy.Context, about HookStation, plan *hookPlan) error {
	for _, m := range s.Mounts {
		if len(m.AuthRaw) == 0 {
			continue
		}
		if isAuthOff(m.AuthRaw) { // what a pattern has does not count here
			s.auths.mounts.Add(m.Path, nil)
			plan.auths.Add(m.Path, new(hookScope))
			continue
		}
		loaded, err := ctx.LoadModule(m, "AuthRaw")
		if err != nil {
			return fmt.Errorf("mount %s: %w", m.Path, err)
		}
		module, ok := loaded.(AuthModule)
		if !ok {
			return fmt.Errorf("mount %s: %T does not say who may do what", m.Path, loaded)
		}
		scope := &hookScope{events: make(map[*hooks.Hook][]hooks.Name)}
		for _, h := range module.Bind(AuthStation{
			HookStation: about, Scope: m.Path, NewID: s.live.NewID, Enqueue: s.live.hooks.Enqueue, Sessions: &s.live.sessions,
		}) {
			scope.on = append(scope.on, h.Hook)
			scope.events[h.Hook] = h.Events
			plan.all = append(plan.all, h.Hook)
		}
		s.auths.mounts.Add(m.Path, module)
		plan.auths.Add(m.Path, scope)
	}
	return nil
}

// isAuthOff tells whether all may listen, whatever a pattern says.
func isAuthOff(raw json.RawMessage) bool {
	var off struct {
		Kind string `json:"kind"`
	}
	return json.Unmarshal(raw, &off) == nil && off.Kind == "off"
}

// auth returns what says who may do what on a mount, nil if nothing does.
func (s *Station) auth(mount string) AuthModule {
	a, _ := s.auths.mounts.Find(mount, func(AuthModule) bool { return true })
	return a
}

// authKind returns what asks for the listeners of a mount, such as "url"; empty for nothing.
func (s *Station) authKind(mount string) string {
	if m, ok := s.auth(mount).(caddy.Module); ok {
		return m.CaddyModule().ID.Name()
	}
	return ""
}

// admitListener answers a request that may not hear a mount, and reports whether
// it may. Whoever is admitted has his Over called, here or by the engine.
func (h *Handler) admitListener(w http.ResponseWriter, r *http.Request, client *streaming.Client) (bool, error) {
	module := h.station.auth(r.URL.Path)
	if module == nil || client.Slave { // a slave may hear all
		return true, nil
	}
	q, err := authRequest(r, r.URL.Path, false)
	if err == nil {
		client.Admission, err = module.AdmitListener(r, q)
	}
	if err != nil {
		return false, h.notAdmitted(w, r, q, err)
	}
	if a := client.Admission; a.User != "" {
		client.User = icy.Clean(a.User)
	}
	return true, nil
}

// admitSource is the same for a source, and for an admin command about a mount.
// The logins may do it too, if the endpoint is not asked.
func (h *Handler) admitSource(w http.ResponseWriter, r *http.Request, mount string, admin bool, logins ...*login) (user string, ok bool, err error) {
	if module := h.station.auth(mount); module != nil {
		q, err := authRequest(r, mount, admin)
		if err != nil {
			return "", false, h.notAdmitted(w, r, q, err)
		}
		if admin {
			if ok, _ := anyAllows(r, h.station.logins.admin); ok {
				return q.User, true, nil
			}
		}
		if handled, err := module.AdmitSource(r, q); handled {
			if err != nil {
				return "", false, h.notAdmitted(w, r, q, err)
			}
			return q.User, true, nil
		}
	}
	ok, err = admit(w, r, logins...)
	user, _, _ = r.BasicAuth()
	return user, ok, err
}

// notAdmitted answers somebody who is not admitted.
func (h *Handler) notAdmitted(w http.ResponseWriter, r *http.Request, q AuthRequest, err error) error {
	h.station.live.logger().Info("not admitted", zap.String("mount", response.Printable(q.Mount)), zap.String("client_ip", q.IP),
		zap.String("user_id", response.Printable(q.User)), zap.Error(err))
	switch {
	case errors.Is(err, ErrUnavailable):
		w.Header().Set("Retry-After", "5")
		return response.Refuse(w, r, http.StatusServiceUnavailable, ErrUnavailable.Error())
	case errors.Is(err, ErrSessions):
		return response.Refuse(w, r, http.StatusForbidden, ErrSessions.Error())
	}
	return response.Challenge(w, r)
}

// Sessions counts who listens, by any key.
type Sessions struct {
	mu    sync.Mutex
	count map[string]int
}

// Begin counts one more, unless there are so many already; 0 is no limit. Its end is to
// be told.
func (s *Sessions) Begin(key string, most int) (end func(time.Duration), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if most > 0 && s.count[key] >= most {
		return nil, false
	}
	if s.count == nil {
		s.count = make(map[string]int)
	}
	s.count[key]++
	return func(time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.count[key]--; s.count[key] == 0 {
			delete(s.count, key)
		}
	}, true
}
