package caddymodule

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"golang.org/x/crypto/bcrypt"
)

// wrap returns a wrapper with a login of its own, over a station.
func wrap(t *testing.T, s *Station, mount, password string) *ListenerWrapper {
	t.Helper()
	w := &ListenerWrapper{Mount: mount, log: zap.NewNop(), station: s}
	if password != "" {
		var err error
		ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
		t.Cleanup(cancel)
		if w.login, err = newLogin(ctx, "password", "source", &Credential{Password: password}); err != nil {
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
	s := &Station{
		SourcePassword: &Credential{Password: "hackme"},
		Mounts: []*Mount{
			{Path: "/own", SourcePassword: &Credential{User: "dj", Password: "own"}},
			{Path: "/safe", SourceTLS: tlsRequired},
			{Path: "/hashed", SourcePassword: &Credential{Password: hashed}},
		},
	}
	provision(t, s)
	for _, c := range []struct {
		name            string
		w               *ListenerWrapper
		mount, password string
		user, err       string
	}{
		{"the station's password", wrap(t, s, "/m", ""), "/m", "hackme", "source", ""},
		{"another mount", wrap(t, s, "/m", ""), "/n", "hackme", "source", ""},
		{"a mount's own password", wrap(t, s, "/m", ""), "/own", "own", "dj", ""},
		{"the station's, for a mount that has one", wrap(t, s, "/m", ""), "/own", "hackme", "", "the password is wrong"},
		{"a mount that is fed over TLS only", wrap(t, s, "/m", ""), "/safe", "hackme", "", errInClear.Error()},
		{"a hash", wrap(t, s, "/m", ""), "/hashed", "hackme", "source", ""},
		{"a hash, not matched", wrap(t, s, "/m", ""), "/hashed", "hackm", "", "the password is wrong"},
		{"a hash for a password", wrap(t, s, "/m", ""), "/hashed", hashed, "", "the password is wrong"},
		{"the port's password", wrap(t, s, "/m", "port"), "/m", "port", "source", ""},
		{"the station's, where the port has one", wrap(t, s, "/m", "port"), "/m", "hackme", "", "the password is wrong"},
		{"the port's, for another mount", wrap(t, s, "/m", "port"), "/n", "port", "", "the password is wrong"},
		{"nothing", wrap(t, s, "/m", ""), "/m", "", "", "the password is wrong"},
		{"no mount", wrap(t, s, "/m", ""), "/", "hackme", "", "that can be no mount"},
		{"a page", wrap(t, s, "/m", ""), "/admin.cgi", "hackme", "", "that can be no mount"},
		{"no station", wrap(t, nil, "/m", ""), "/m", "hackme", "", errStation.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := c.w.let(new(net.TCPAddr), c.mount, c.password)
			checkError(t, err, c.err)
			if err == nil && (a.user != c.user || a.mount != c.mount || a.station != s) {
				t.Errorf("it feeds %s as %q", a.mount, a.user)
			}
		})
	}
}

func TestAStationWithoutAPasswordLetsNobodyIn(t *testing.T) {
	s := new(Station)
	provision(t, s)
	_, err := wrap(t, s, "/m", "").let(new(net.TCPAddr), "/m", "")
	checkError(t, err, "no source_password is set")
}

func TestWhichStationAWrapperIsFor(t *testing.T) {
	one, two := new(Station), new(Station)
	for _, c := range []struct {
		name     string
		stations map[string]*Station
		w        ListenerWrapper
		want     *Station
		err      string
	}{
		{"the one called default", map[string]*Station{"default": one, "two": two}, ListenerWrapper{}, one, ""},
		{"the only one", map[string]*Station{"two": two}, ListenerWrapper{Mount: "/m"}, two, ""},
		{"the one that is named", map[string]*Station{"default": one, "two": two}, ListenerWrapper{Station: "two"}, two, ""},
		{"none, if there is no telling", map[string]*Station{"one": one, "two": two}, ListenerWrapper{}, nil, ""},
		{"that is wrong if one is meant", map[string]*Station{"one": one, "two": two}, ListenerWrapper{Mount: "/m"}, nil, errStation.Error()},
		{"one that is not there", map[string]*Station{"one": one}, ListenerWrapper{Station: "tow"}, nil, `there is no station "tow"; there is one`},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkError(t, c.w.findStation(&App{Stations: c.stations}), c.err)
			if c.err == "" && c.w.station != c.want {
				t.Errorf("it is another")
			}
		})
	}
}

func TestWhichShoutcastTitlesArriveFor(t *testing.T) {
	var all shoutcasts
	if _, ok := all.of(8000); ok {
		t.Error("there is one, though there is none")
	}
	all.add(shoutcast{mount: "/one", listen: []string{":8001", "127.0.0.1:9001"}})
	check := func(port uint, want string) {
		t.Helper()
		if one, _ := all.of(port); one.mount != want {
			t.Errorf("a title on port %d is for %q, want %q", port, one.mount, want)
		}
	}
	check(8000, "/one")
	check(8001, "/one")
	check(9000, "/one")
	check(80, "/one") // the only one
	all.add(shoutcast{mount: "/two", listen: []string{"tcp/:8002-8003", "unix//run/x"}})
	check(8000, "/one")
	check(8001, "/one")
	check(8002, "/two")
	check(8003, "/two")
	check(80, "")
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
	checkError(t, w.checkMount(), `mount "live": a mount begins with a slash, such as /live.mp3`)
	checkError(t, (&ListenerWrapper{}).register(ctx), "it wraps the listeners of HTTP servers; write it into their listener_wrappers")
	ctx.Context = context.WithValue(ctx.Context, caddyhttp.ServerCtxKey, new(caddyhttp.Server))
	checkError(t, (&ListenerWrapper{}).register(ctx), "")
}
