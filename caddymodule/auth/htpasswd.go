package auth

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/internal/filewatch"
	"github.com/caddycast/caddycast/internal/htpasswd"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/icy"
)

func init() {
	caddy.RegisterModule(new(Htpasswd))
}

// Htpasswd authenticates listeners by a file of users and hashed passwords: bcrypt, apr1
// and SHA as htpasswd makes them, or MD5 in hexadecimal as Icecast does. The file is read
// again when it has changed.
type Htpasswd struct {
	// The path of the file.
	File string `json:"file"`

	// The number of connections that one user may listen with at a time. Default: 0, no
	// limit.
	MaxSessions int `json:"max_sessions,omitempty"`

	about Station
	users *filewatch.File[*userList]
}

// CaddyModule returns the Caddy module information.
func (*Htpasswd) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast.auth.htpasswd",
		New: func() caddy.Module { return new(Htpasswd) },
	}
}

// Provision reads the file, so that a wrong path is an error at once. Warnings go to the
// logger of this configuration: no other one may be in force yet.
func (a *Htpasswd) Provision(ctx caddy.Context) (err error) {
	a.File = caddy.NewReplacer().ReplaceKnown(a.File, "")
	if a.File == "" {
		return errors.New("htpasswd: missing file; expected a path such as /etc/caddy/members")
	}
	if err := setting.CheckRange("max_sessions", a.MaxSessions, math.MaxInt); err != nil {
		return err
	}
	a.users, err = openUserFile(a.File, ctx.Logger())
	return err
}

// Bind implements Module.
func (a *Htpasswd) Bind(about Station) []hook.Bound {
	a.about = about
	return nil
}

// AdmitListener implements Module.
func (a *Htpasswd) AdmitListener(r *http.Request, q Request) (*streaming.Admission, error) {
	if !q.Tried {
		return nil, ErrDenied
	}
	switch ok, err := a.matches(r.Context(), q); {
	case err != nil:
		return nil, err
	case !ok:
		return nil, ErrDenied
	}
	end, ok := a.about.Sessions.Begin(a.session(q.User), a.MaxSessions)
	if !ok {
		return nil, ErrSessions
	}
	return &streaming.Admission{User: q.User, OnEnd: end, Local: true}, nil
}

// AdoptListener implements ListenerAdopter.
func (a *Htpasswd) AdoptListener(user string) *streaming.Admission {
	return &streaming.Admission{User: user, OnEnd: a.about.Sessions.Adopt(a.session(user), a.MaxSessions), Local: true}
}

// session returns the key that the listeners of a user are counted by.
func (a *Htpasswd) session(user string) string { return a.about.Scope + "\x00" + icy.Clean(user) }

// AdmitSource implements Module: sources have source_password.
func (*Htpasswd) AdmitSource(*http.Request, Request) (bool, error) { return false, nil }

// matches reports whether a password is the user's. An unknown user takes as long as a known
// one.
func (a *Htpasswd) matches(ctx context.Context, q Request) (bool, error) {
	list := a.users.Get()
	hash, known := list.users[q.User]
	if !known {
		hash = list.decoy
	}
	switch {
	case hash == "":
		return false, nil
	case known && listenerMemory.has(hash, q.Password):
		return true, nil
	case !htpasswd.IsSlow(hash):
		return htpasswd.Matches(hash, q.Password) && known, nil
	}
	from, _ := netip.ParseAddr(q.IP)
	ok, err := listenerQueue.compare(ctx, from, func() bool {
		return htpasswd.Matches(hash, q.Password) && known
	})
	switch {
	case err != nil:
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case ok:
		listenerMemory.learn(hash, q.Password)
	}
	return ok, nil
}

// UnmarshalCaddyfile parses the file and its settings.
//
//	htpasswd <file> {
//		max_sessions <number>
//	}
func (a *Htpasswd) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // htpasswd
	var err error
	if a.File, err = setting.OneArg(d, "/etc/caddy/listeners.htpasswd"); err != nil {
		return err
	}
	return setting.ParseBlock(d, "auth htpasswd", setting.Directives{"max_sessions": setting.Count(d, &a.MaxSessions)})
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Htpasswd)(nil)
	_ caddyfile.Unmarshaler = (*Htpasswd)(nil)
	_ Module                = (*Htpasswd)(nil)
	_ ListenerAdopter       = (*Htpasswd)(nil)
	_ UserManager           = (*Htpasswd)(nil)
)
