package listenerwrapper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/socket"
	"github.com/caddycast/caddycast/caddymodule/state"
)

func init() {
	caddy.RegisterModule(new(ListenerWrapper))
}

// defaultShoutcastMount is the default mount of SHOUTcast v1 sources, as in Icecast.
const defaultShoutcastMount = "/stream"

// ListenerWrapper is between a socket and the HTTP server.
//
// On a plain port it accepts encoders that do not send standard HTTP: SHOUTcast v1,
// Icecast 1, `ICE/1.0`, and encoders with unusual line ends or host names. All other
// bytes pass unchanged, so that one port serves these encoders and listeners alike.
//
// Before TLS it makes listeners over HTTP/1 as cheap as plain ones, without a goroutine
// each. In `listener_wrappers` it stands before `tls`.
type ListenerWrapper struct {
	// The name of the station that SHOUTcast v1 sources log in to. Default: `default`,
	// or the only station.
	Station string `json:"station,omitempty"`

	// The mount of a SHOUTcast v1 source, unless the source gives `/mount:password` as its
	// password. Default: `/stream`.
	Mount string `json:"mount,omitempty"`

	// The password of SHOUTcast v1 sources of this mount on this port. Default: the
	// source password of the mount. The user is the name recorded for the source.
	Password *auth.Credential `json:"password,omitempty"`

	log     *zap.Logger
	station *state.Generation // nil: there are several and none is named
	login   *auth.Verifier    // of Password

	siteNames func() []string // of the server; nil: not known
	keepAlive net.KeepAliveConfig

	listeners []*socket.Listener // set while the servers start
	newcomers newcomers
}

// CaddyModule returns the Caddy module information.
func (*ListenerWrapper) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.listeners.icecast",
		New: func() caddy.Module { return new(ListenerWrapper) },
	}
}

// Provision finds the station.
func (w *ListenerWrapper) Provision(ctx caddy.Context) error {
	w.log = ctx.Logger()
	app, err := ctx.App("icecast")
	if err != nil {
		return fmt.Errorf("getting the icecast app: %w", err)
	}
	if err := w.findStation(app.(state.Provider)); err != nil {
		return err
	}
	if w.Mount == "" {
		w.Mount = defaultShoutcastMount
	}
	if err := w.checkMount(); err != nil {
		return err
	}
	if w.login, err = auth.NewVerifier("password", "shoutcast", w.Password); err != nil {
		return err
	}
	if w.login != nil {
		w.login.Kind = auth.KindPort
	}
	return w.register(ctx, app.(state.Provider))
}

// findStation sets the named station, or the only one.
func (w *ListenerWrapper) findStation(stations state.Provider) (err error) {
	w.station, err = stations.Generation(w.Station)
	switch {
	case err == nil || w.Station != "":
		return err
	case stations.Only() != nil:
		w.station = stations.Only()
	case w.Mount != "" || w.Password != nil:
		return errStation
	}
	return nil // with several stations, sources must use HTTP
}

// register adds the wrapper to its server, and the port to the station.
func (w *ListenerWrapper) register(ctx caddy.Context, stations state.Provider) error {
	srv, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return errors.New("listener wrapper icecast: outside an HTTP server; expected in the listener_wrappers of a server")
	}
	srv.RegisterConnContext(connContext)
	srv.RegisterConnState(connState)
	stations.Follow(w.begin, w.retire)
	w.siteNames = sync.OnceValue(func() []string { return siteNames(srv) }) // once its routes are provisioned
	w.keepAlive = net.KeepAliveConfig{
		Enable:   srv.KeepAliveInterval >= 0,
		Interval: time.Duration(srv.KeepAliveInterval), Idle: time.Duration(srv.KeepAliveIdle), Count: srv.KeepAliveCount,
	}
	stations.Wrap(srv)
	if w.station != nil {
		w.station.AddShoutcastPort(state.ShoutcastPort{Mount: w.Mount, Verifier: w.login, Listen: srv.Listen})
	}
	return nil
}

// checkMount refuses an invalid mount and a pattern.
func (w *ListenerWrapper) checkMount() error {
	if err := mountpath.Check(w.Mount); err != nil {
		return fmt.Errorf("mount %q: %w", w.Mount, err)
	}
	if strings.ContainsAny(w.Mount, "*?[") {
		return fmt.Errorf("mount %q: is a pattern; expected one mount", w.Mount)
	}
	return nil
}

// UnmarshalCaddyfile parses the wrapper in listener_wrappers.
//
//	listener_wrappers {
//		icecast [<station>] {
//			mount    <path>
//			password [<user>] <secret>
//		}
//		tls
//	}
func (w *ListenerWrapper) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.Args(&w.Station); w.Station != "" && state.CheckName(w.Station) != nil {
		return d.Errf("the listener wrapper icecast: invalid station %q; expected a name such as studio1, or mount %s in the block", w.Station, w.Station)
	}
	return setting.ParseBlock(d, "the listener wrapper icecast", setting.Directives{
		"mount": func() error {
			if w.Mount != "" {
				return d.Err("duplicate directive mount")
			}
			return setting.Checked(d, setting.Text(d, &w.Mount), w.checkMount)()
		},
		"password": auth.ParseCredential(d, &w.Password),
	})
}

// Reasons to reject a source without HTTP.
var (
	errStation = errors.New("several stations; expected the name of one after icecast in listener_wrappers")
	errMount   = errors.New("invalid mount; expected a path such as /live.mp3")
	errUnset   = errors.New("source_password: not set; expected one in the station or the mount")
	errDrained = errors.New("the station is drained; expected a source at another server")
	errPlain   = errors.New("source_tls of the mount is required; expected a source over HTTPS")
)

// authorize returns the grant of a source without HTTP, or the reason to reject it.
func (w *ListenerWrapper) authorize(addr net.Addr, mount, password string) (*auth.Grant, error) {
	if w.station == nil {
		return nil, errStation
	}
	if mountpath.Check(mount) != nil {
		return nil, errMount
	}
	policy := w.station.Policy(mount)
	if policy.SourceTLS { // a source without HTTP has no TLS
		return nil, response.Refuse(http.StatusForbidden, errPlain.Error()).Because(errPlain).
			Warned("source rejected: source_tls is required", zap.String("mount", response.Printable(mount)))
	}
	if !w.station.TakesSource(mount) {
		return nil, errDrained
	}
	grant := &auth.Grant{Station: w.station.StationName(), Mount: mount}
	if handled, err := w.authorizeByModule(addr, grant, password); handled {
		return grant, err
	}
	verifier := policy.Source
	if mount == w.Mount && w.login != nil {
		verifier = w.login
	}
	if verifier == nil {
		return nil, errUnset
	}
	accepting, err := auth.Verify(context.Background(), hostOf(addr), password, verifier)
	if err != nil {
		return nil, err
	}
	if accepting == nil {
		return nil, auth.Failed(mount, "", verifier.Kind)
	}
	grant.User = verifier.User
	return grant, nil
}

// authorizeByModule asks the mount's module about a source with a password and no user. It
// reports false if the module leaves sources to the passwords.
func (w *ListenerWrapper) authorizeByModule(addr net.Addr, grant *auth.Grant, password string) (handled bool, err error) {
	if w.station.Gate.Module(grant.Mount) == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), auth.MaxHashingTime)
	defer cancel()
	r, err := factsOf(ctx, addr, grant.Mount)
	if err != nil {
		return true, errMount
	}
	grant.User, handled, err = w.station.Gate.AuthorizePassword(r, grant.Mount, password, false)
	return handled, err
}

// factsOf returns the request that a source without HTTP stands for.
func factsOf(ctx context.Context, addr net.Addr, mount string) (*request.Facts, error) {
	r, err := http.NewRequestWithContext(ctx, request.MethodSource, mountpath.Escape(mount), nil)
	if err != nil {
		return nil, err
	}
	r.RemoteAddr = addr.String()
	f := request.New(r)
	f.Addr = f.Addr.Unmap()
	return f, nil
}

// reject logs why a source without HTTP is rejected: like one with HTTP if the station has a
// message for that.
func (w *ListenerWrapper) reject(addr net.Addr, mount string, err error) {
	refusal, ok := errors.AsType[*response.Refusal](err)
	if ok && refusal.Limited {
		if r, invalid := factsOf(context.Background(), addr, mount); invalid == nil {
			w.station.LogRefusal(r, refusal)
			return
		}
	}
	if ok && refusal.Unwrap() != nil {
		err = refusal.Unwrap()
	}
	w.log.Warn("source without HTTP rejected",
		zap.String("mount", response.Printable(mount)), zap.String("client_ip", addressOf(addr)), zap.Error(err))
}

// Interface guards
var (
	_ caddy.Provisioner     = (*ListenerWrapper)(nil)
	_ caddy.ListenerWrapper = (*ListenerWrapper)(nil)
	_ caddyfile.Unmarshaler = (*ListenerWrapper)(nil)
)
