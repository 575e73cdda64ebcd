package listenerwrapper

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
)

func init() {
	caddy.RegisterModule(new(ListenerWrapper))
}

// defaultShoutcastMount is the mount of a SHOUTcast v1 source if none is set, as
// in Icecast.
const defaultShoutcastMount = "/stream"

// ListenerWrapper stands between a socket and the HTTP server.
//
// On a plain port it lets in encoders that do not speak HTTP as servers know it:
// SHOUTcast v1, those of Icecast 1, `ICE/1.0`, and those that end lines or name
// hosts in ways of their own. All else passes through it unchanged, so one port
// serves them and listeners alike.
//
// Before TLS it is where listeners over HTTP/1 come in: they are then served as
// cheaply as plain ones, without a goroutine each. In `listener_wrappers` it is
// put before `tls` there.
type ListenerWrapper struct {
	// The station whose passwords SHOUTcast v1 sources know. Default: the one
	// called `default`, or the only one there is.
	Station string `json:"station,omitempty"`

	// The mount that a SHOUTcast v1 source feeds, unless it gives
	// `/mount:password` for its password. Default: `/stream`.
	Mount string `json:"mount,omitempty"`

	// What a SHOUTcast v1 source of this mount must know here. Default: what
	// the mount wants of every source. The user is whom it feeds the mount as.
	Password *auth.Credential `json:"password,omitempty"`

	log     *zap.Logger
	station *state.Generation // nil if there are several and none is named
	login   *auth.Verifier    // of Password
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
	return w.register(ctx)
}

// findStation finds the station that is named, or the only one.
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
	return nil // with several, all sources speak HTTP, perhaps
}

// register tells the server and the station of each other.
func (w *ListenerWrapper) register(ctx caddy.Context) error {
	srv, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return errors.New("it wraps the listeners of HTTP servers; write it into their listener_wrappers")
	}
	srv.RegisterConnContext(connContext)
	if w.station != nil {
		w.station.AddShoutcastPort(state.ShoutcastPort{Mount: w.Mount, Verifier: w.login, Listen: srv.Listen})
	}
	return nil
}

// checkMount refuses what can be no mount.
func (w *ListenerWrapper) checkMount() error {
	if err := mountpath.Check(w.Mount); err != nil {
		return fmt.Errorf("mount %q: %w", w.Mount, err)
	}
	if strings.ContainsAny(w.Mount, "*?[") {
		return fmt.Errorf("mount %q: write one mount, and no pattern", w.Mount)
	}
	return nil
}

// WrapListener implements caddy.ListenerWrapper.
func (w *ListenerWrapper) WrapListener(ln net.Listener) net.Listener {
	return &sniffingListener{Listener: ln, wrapper: w}
}

// UnmarshalCaddyfile reads the wrapper's words.
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
		return d.Errf("the listener wrapper icecast: %q is no station; write mount %s into its block", w.Station, w.Station)
	}
	return setting.ParseBlock(d, "the listener wrapper icecast", setting.Directives{
		"mount": func() error {
			if w.Mount != "" {
				return d.Err("mount: it is there twice; write it once")
			}
			return setting.Checked(d, setting.Text(d, &w.Mount), w.checkMount)()
		},
		"password": auth.ParseCredential(d, &w.Password),
	})
}

// sniffingListener accepts connections whose first bytes are looked at. It does
// not look itself: who says nothing would keep all others waiting.
type sniffingListener struct {
	net.Listener
	wrapper *ListenerWrapper
	warned  sync.Once
}

// Accept implements net.Listener.
func (ln *sniffingListener) Accept() (net.Conn, error) {
	conn, err := ln.Listener.Accept()
	if err != nil {
		return nil, err
	}
	switch c := conn.(type) {
	case *net.TCPConn:
		conn = streaming.NewCipherBuffer(c)
	case *tls.Conn:
		ln.warned.Do(func() {
			ln.wrapper.log.Warn("the listener wrapper icecast does nothing behind tls; put it before tls in listener_wrappers")
		})
		return conn, nil
	}
	return &sniffer{Conn: conn, host: ln.wrapper}, nil
}

// What keeps a source out that does not speak HTTP.
var (
	errStation  = errors.New("there are several stations; write the name of the one that is meant after icecast in listener_wrappers")
	errMount    = errors.New("that can be no mount")
	errUnset    = errors.New("no source_password is set")
	errPassword = errors.New("the password is wrong")
	errPlain    = errors.New("sources of this mount come over TLS only (source_tls), which wants one that speaks HTTP")
)

// authorize returns the right to feed a mount, or why a source at an address that does not
// speak HTTP does not get it.
func (w *ListenerWrapper) authorize(addr net.Addr, mount, password string) (*auth.Grant, error) {
	if w.station == nil {
		return nil, errStation
	}
	if mountpath.Check(mount) != nil {
		return nil, errMount
	}
	policy := w.station.Policy(mount)
	if policy.SourceTLS { // what does not speak HTTP does not speak TLS
		return nil, errPlain
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
	ok, err := verifier.Accepts(context.Background(), password)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errPassword
	}
	grant.User = verifier.User
	return grant, nil
}

// authorizeByModule asks the mount's module, which may leave sources to the passwords, about a
// source that gives a password and no user.
func (w *ListenerWrapper) authorizeByModule(addr net.Addr, grant *auth.Grant, password string) (handled bool, err error) {
	if w.station.Gate.Module(grant.Mount) == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), auth.MaxHashingTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, request.MethodSource, mountpath.Escape(grant.Mount), nil)
	if err != nil {
		return true, errMount
	}
	r.RemoteAddr = addr.String()
	grant.User, handled, err = w.station.Gate.AuthorizePassword(request.New(r), grant.Mount, password, false)
	if refusal, ok := errors.AsType[*response.Refusal](err); ok && refusal.Unwrap() != nil {
		err = refusal.Unwrap()
	}
	return handled, err
}

// Interface guards
var (
	_ caddy.Provisioner     = (*ListenerWrapper)(nil)
	_ caddy.ListenerWrapper = (*ListenerWrapper)(nil)
	_ caddyfile.Unmarshaler = (*ListenerWrapper)(nil)
)
