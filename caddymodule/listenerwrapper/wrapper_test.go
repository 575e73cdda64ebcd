package listenerwrapper

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"golang.org/x/crypto/bcrypt"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming"
)

// wrap returns a wrapper with a login of its own, over a station.
func wrap(t *testing.T, g *state.Generation, mount, password string) *ListenerWrapper {
	t.Helper()
	w := &ListenerWrapper{Mount: mount, log: zap.NewNop(), station: g}
	if password != "" {
		var err error
		if w.login, err = auth.NewVerifier("password", "source", &auth.Credential{Password: password}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func TestWhoIsLetInWithoutHTTP(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("hackme"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	hashed := string(hash)
	s := &caddymodule.Station{
		SourcePassword: &auth.Credential{Password: "hackme"},
		Mounts: []*caddymodule.Mount{
			{Path: "/own", SourcePassword: &auth.Credential{User: "dj", Password: "own"}},
			{Path: "/safe", SourceTLS: "required"},
			{Path: "/hashed", SourcePassword: &auth.Credential{Password: hashed}},
		},
	}
	g := moduletest.New(t, s).Generation
	for _, c := range []struct {
		name            string
		w               *ListenerWrapper
		mount, password string
		user, err       string
	}{
		{"the station's password", wrap(t, g, "/m", ""), "/m", "hackme", "source", ""},
		{"another mount", wrap(t, g, "/m", ""), "/n", "hackme", "source", ""},
		{"a mount's own password", wrap(t, g, "/m", ""), "/own", "own", "dj", ""},
		{"the station's, for a mount that has one", wrap(t, g, "/m", ""), "/own", "hackme", "", "You need to authenticate"},
		{"a mount that is fed over TLS only", wrap(t, g, "/m", ""), "/safe", "hackme", "", errPlain.Error()},
		{"a hash", wrap(t, g, "/m", ""), "/hashed", "hackme", "source", ""},
		{"a hash, not matched", wrap(t, g, "/m", ""), "/hashed", "hackm", "", "You need to authenticate"},
		{"a hash for a password", wrap(t, g, "/m", ""), "/hashed", hashed, "", "You need to authenticate"},
		{"the port's password", wrap(t, g, "/m", "port"), "/m", "port", "source", ""},
		{"the station's, where the port has one", wrap(t, g, "/m", "port"), "/m", "hackme", "", "You need to authenticate"},
		{"the port's, for another mount", wrap(t, g, "/m", "port"), "/n", "port", "", "You need to authenticate"},
		{"nothing", wrap(t, g, "/m", ""), "/m", "", "", "You need to authenticate"},
		{"no mount", wrap(t, g, "/m", ""), "/", "hackme", "", "invalid mount; expected a path such as /live.mp3"},
		{"a page", wrap(t, g, "/m", ""), "/admin.cgi", "hackme", "", "invalid mount; expected a path such as /live.mp3"},
		{"no station", wrap(t, nil, "/m", ""), "/m", "hackme", "", errStation.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := c.w.authorize(new(net.TCPAddr), c.mount, c.password)
			moduletest.CheckError(t, err, c.err)
			if err == nil && (a.User != c.user || a.Mount != c.mount || a.Station != g.StationName()) {
				t.Errorf("it feeds %s as %q", a.Mount, a.User)
			}
		})
	}
}

func TestAStationWithoutAPasswordLetsNobodyIn(t *testing.T) {
	g := moduletest.New(t, new(caddymodule.Station)).Generation
	_, err := wrap(t, g, "/m", "").authorize(new(net.TCPAddr), "/m", "")
	moduletest.CheckError(t, err, "source_password: not set; expected one in the station or the mount")
}

func TestWhichStationAWrapperIsFor(t *testing.T) {
	for _, c := range []struct {
		name     string
		stations []string
		w        *ListenerWrapper
		want     string
		err      string
	}{
		{"the one called default", []string{"default", "two"}, &ListenerWrapper{}, "default", ""},
		{"the only one", []string{"two"}, &ListenerWrapper{Mount: "/m"}, "two", ""},
		{"the one that is named", []string{"default", "two"}, &ListenerWrapper{Station: "two"}, "two", ""},
		{"none, if there is no telling", []string{"one", "two"}, &ListenerWrapper{}, "", ""},
		{"that is wrong if one is meant", []string{"one", "two"}, &ListenerWrapper{Mount: "/m"}, "", errStation.Error()},
		{"one that is not there", []string{"one"}, &ListenerWrapper{Station: "tow"}, "", `station "tow": unknown; expected one of: one`},
	} {
		t.Run(c.name, func(t *testing.T) {
			app := &caddymodule.App{Stations: make(map[string]*caddymodule.Station)}
			for _, name := range c.stations {
				app.Stations[name] = new(caddymodule.Station)
			}
			app, err := moduletest.ProvisionApp(t, app)
			if err != nil {
				t.Fatal(err)
			}
			moduletest.CheckError(t, c.w.findStation(app), c.err)
			if c.err != "" {
				return
			}
			got := ""
			if c.w.station != nil {
				got = c.w.station.StationName()
			}
			if got != c.want {
				t.Errorf("it is %q; want %q", got, c.want)
			}
		})
	}
}

// Listeners over TLS are cheap only if the wire beneath is found.
func TestTheWireIsFoundBeneathTheSniffer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := wrap(t, nil, "/m", "").WrapListener(ln).Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if tcp, ok := transport.PlainConn(conn, httptest.NewRequest("GET", "/", nil)); !ok || tcp.RemoteAddr().String() != client.LocalAddr().String() {
		t.Errorf("beneath a plain one there is %v", tcp)
	}
	encrypted := tls.Server(conn, new(tls.Config))
	if _, wire, ok := transport.TLS(encrypted); !ok || wire != conn.(*sniffer).Conn.(*streaming.CipherBuffer) {
		t.Errorf("beneath TLS there is %v", wire)
	}
	if ctx := connContext(context.Background(), encrypted); conn.(*sniffer).wrapper != nil || ctx != context.Background() {
		t.Error("beneath TLS it would be looked at")
	}
}

func TestAWrapperIsForHTTPServers(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	w := &ListenerWrapper{Mount: "live"}
	moduletest.CheckError(t, w.checkMount(), `mount "live": path does not begin with a slash; expected one such as /live.mp3`)
	moduletest.CheckError(t, (&ListenerWrapper{}).register(ctx, new(caddymodule.App)), "listener wrapper icecast: outside an HTTP server; expected in the listener_wrappers of a server")
	ctx.Context = context.WithValue(ctx.Context, caddyhttp.ServerCtxKey, new(caddyhttp.Server))
	moduletest.CheckError(t, (&ListenerWrapper{}).register(ctx, new(caddymodule.App)), "")
}

func TestADrainedStationTakesNoSourceWithoutHTTP(t *testing.T) {
	g := moduletest.New(t, &caddymodule.Station{SourcePassword: &auth.Credential{Password: "hackme"}}).Generation
	g.Drain(time.Hour)
	_, err := wrap(t, g, "/m", "").authorize(new(net.TCPAddr), "/m", "hackme")
	moduletest.CheckError(t, err, errDrained.Error())
	if err := g.Undrain(); err != nil {
		t.Error(err)
	}
	if _, err := wrap(t, g, "/m", "").authorize(new(net.TCPAddr), "/m", "hackme"); err != nil {
		t.Error(err)
	}
}
