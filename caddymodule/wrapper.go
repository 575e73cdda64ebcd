package caddymodule

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
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
	Password *Credential `json:"password,omitempty"`

	log     *zap.Logger
	station *Station // nil if there are several and none is named
	login   *login   // of Password
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
	if err := w.findStation(app.(*App)); err != nil {
		return err
	}
	if w.Mount == "" {
		w.Mount = defaultShoutcastMount
	}
	if err := w.checkMount(); err != nil {
		return err
	}
	if w.login, err = newLogin(ctx, "password", "shoutcast", w.Password); err != nil {
		return err
	}
	return w.register(ctx)
}

// findStation finds the station that is named, or that need not be.
func (w *ListenerWrapper) findStation(app *App) (err error) {
	w.station, err = app.station(w.Station)
	switch {
	case err == nil || w.Station != "":
		return err
	case len(app.Stations) == 1:
		for _, w.station = range app.Stations {
			break
		}
	case w.Mount != "" || w.Password != nil:
		return errStation
	}
	return nil // with several, all sources come by HTTP, perhaps
}

// register tells the server and the station of each other.
func (w *ListenerWrapper) register(ctx caddy.Context) error {
	srv, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return errors.New("it wraps the listeners of HTTP servers; write it into their listener_wrappers")
	}
	srv.RegisterConnContext(connContext)
	if w.station != nil {
		w.station.reign.shoutcasts.add(shoutcast{w.Mount, w.login, srv.Listen})
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
	if d.Args(&w.Station); w.Station != "" && checkStationName(w.Station) != nil {
		return d.Errf("the listener wrapper icecast: %q is no station; write mount %s into its block", w.Station, w.Station)
	}
	return setting.ParseBlock(d, "the listener wrapper icecast", setting.Directives{
		"mount": func() error {
			if w.Mount != "" {
				return d.Err("mount: it is there twice; write it once")
			}
			return setting.Checked(d, setting.Text(d, &w.Mount), w.checkMount)()
		},
		"password": credential(d, &w.Password),
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
	errInClear  = errors.New("sources of this mount come over TLS only (source_tls), which wants one that speaks HTTP")
)

// let returns the right to feed a mount, or says why a source at an address that does not
// speak HTTP does not get it.
func (w *ListenerWrapper) let(addr net.Addr, mount, password string) (*admission, error) {
	if w.station == nil {
		return nil, errStation
	}
	if mountpath.Check(mount) != nil {
		return nil, errMount
	}
	if w.station.mount(mount).SourceTLS == tlsRequired { // what does not speak HTTP does not speak TLS
		return nil, errInClear
	}
	if module := w.station.auth(mount); module != nil {
		if user, handled, err := askForShoutcast(w.station, module, addr, mount, password); handled {
			return &admission{station: w.station, mount: mount, user: user}, err
		}
	}
	l := w.station.source(mount)
	if mount == w.Mount && w.login != nil {
		l = w.login
	}
	if l == nil {
		return nil, errUnset
	}
	ok, err := l.takes(context.Background(), password)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errPassword
	}
	return &admission{station: w.station, mount: mount, user: l.user}, nil
}

// askForShoutcast asks a mount's module, which may leave it to the passwords, whether a source
// may feed the mount that gives a password and no user.
func askForShoutcast(s *Station, module AuthModule, addr net.Addr, mount, password string) (user string, handled bool, err error) {
	user = "source"
	if l := s.source(mount); l != nil {
		user = l.user
	}
	ctx, cancel := context.WithTimeout(context.Background(), hashingTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, response.MethodSource, mountpath.Escape(mount), nil)
	if err != nil {
		return "", true, errMount
	}
	r.RemoteAddr = addr.String()
	r.SetBasicAuth(user, password)
	q, err := authRequest(r, mount, false)
	if err != nil {
		return "", true, err
	}
	handled, err = module.AdmitSource(r, q)
	return user, handled, err
}

// Interface guards
var (
	_ caddy.Provisioner     = (*ListenerWrapper)(nil)
	_ caddy.ListenerWrapper = (*ListenerWrapper)(nil)
	_ caddyfile.Unmarshaler = (*ListenerWrapper)(nil)
)
