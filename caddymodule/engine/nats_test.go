package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/engine"
	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/cluster/enginetest"
	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/programs"
)

// server is a nats-server that can be killed, and started again at the same port.
type server struct {
	t       *testing.T
	address string
	config  string
	process *exec.Cmd
}

func newServer(t *testing.T, more string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, address: l.Addr().String(), config: filepath.Join(t.TempDir(), "nats.conf")}
	_ = l.Close()
	if err := os.WriteFile(s.config, []byte("listen: "+s.address+"\n"+more), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.process = exec.Command(programs.Path(s.t, "nats-server"), "-c", s.config)
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually.True(s.t, time.Minute, "nats-server listens", func() bool {
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

func (s *server) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// connect returns the engine of a module; different regions have different connections.
func (s *server) connect(t *testing.T, m engine.NATS) cluster.Engine {
	t.Helper()
	m.Servers = []string{"nats://" + s.address}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	if err := m.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	e, release, err := m.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return e
}

// withKeys are the settings of a server that keeps keys.
func withKeys(t *testing.T) string { return "jetstream { store_dir: \"" + t.TempDir() + "\" }\n" }

func TestNATS(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) enginetest.Setup {
		s, nodes := newServer(t, withKeys(t)), 0
		return enginetest.Setup{
			Connect: func(t *testing.T) cluster.Engine {
				nodes++
				return s.connect(t, engine.NATS{NodeRegion: fmt.Sprint("region", nodes)})
			},
			Cut: func(*testing.T) func() {
				s.kill()
				return s.start
			},
		}
	})
}

// The permissions are those of docs/guides/cluster.md.
func TestAnAccountWithThePermissionsOfTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/guides/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "<!-- permissions -->\n```\n")
	permissions, _, found := strings.Cut(rest, "\n```")
	if !found {
		t.Fatal("the guide has no permissions")
	}
	s := newServer(t, withKeys(t)+permissions)
	e := s.connect(t, engine.NATS{User: "edge1", Password: "secret1", Prefix: "radio1"})
	other := s.connect(t, engine.NATS{User: "edge1", Password: "secret1", Prefix: "radio2"})
	connected := func(e cluster.Engine) func() bool { return e.IsConnected }
	eventually.True(t, time.Minute, "the login is taken", connected(e))
	eventually.True(t, time.Minute, "the login is taken", connected(other))
	received := make(chan string, 100)
	for _, one := range []struct {
		name   string
		engine cluster.Engine
	}{{"own", e}, {"other", other}} {
		cancel, err := one.engine.Subscribe("state", func([]byte) { received <- one.name })
		if err != nil {
			t.Fatal(err)
		}
		defer cancel()
	}
	eventually.True(t, time.Minute, "a message arrives", func() bool {
		_ = other.Publish("state", []byte("x"))
		_ = e.Publish("state", []byte("x"))
		return len(received) > 0
	})
	for range len(received) {
		if name := <-received; name != "own" {
			t.Error("a message of another prefix has arrived")
		}
	}

	eventually.True(t, time.Minute, "a key is set", func() bool {
		revision, err := e.CompareAndSet(t.Context(), "places", []byte("1"), 0)
		if err != nil {
			return false
		}
		value, at, err := e.Get(t.Context(), "places")
		return err == nil && string(value) == "1" && at == revision
	})
	if _, _, err := other.Get(t.Context(), "places"); !errors.Is(err, cluster.ErrNoKeys) {
		t.Errorf("the keys of another prefix: %v; want none", err)
	}

	wrong := s.connect(t, engine.NATS{User: "edge1", Password: "guess", Prefix: "radio1"})
	if err := wrong.Publish("state", nil); !errors.Is(err, cluster.ErrDisconnected) {
		t.Errorf("published with a wrong password: %v", err)
	}
}

func TestAServerWithoutJetStreamSaysSo(t *testing.T) {
	e := newServer(t, "").connect(t, engine.NATS{})
	eventually.True(t, time.Minute, "it is connected", e.IsConnected)
	eventually.True(t, time.Minute, "the reason is known", func() bool {
		_, _, err := e.Get(t.Context(), "places")
		return errors.Is(err, cluster.ErrNoKeys) && strings.Contains(err.Error(), "jetstream not enabled")
	})
}

func TestModulesWithEqualSettingsShareAConnection(t *testing.T) {
	s := newServer(t, "")
	first := s.connect(t, engine.NATS{Prefix: "radio1"})
	if s.connect(t, engine.NATS{Prefix: "radio1"}) != first {
		t.Error("equal settings have two connections")
	}
	if s.connect(t, engine.NATS{Prefix: "radio2"}) == first {
		t.Error("other settings have the same connection")
	}
}

func TestWrongSettingsOfNATS(t *testing.T) {
	for _, c := range []struct {
		name string
		m    engine.NATS
		want string
	}{
		{"no server", engine.NATS{}, "no server"},
		{"another scheme", engine.NATS{Servers: []string{"http://n1.example.org"}}, "expected nats, tls, ws or wss"},
		{"no host", engine.NATS{Servers: []string{"nats://"}}, "expected nats, tls, ws or wss"},
		{"a password in a URL", engine.NATS{Servers: []string{"nats://a:b@n1.example.org"}}, "credentials in a URL"},
		{"two logins", engine.NATS{Servers: []string{"nats://n1.example.org"}, Token: "t", Credentials: "file"}, "several logins"},
		{"half a login", engine.NATS{Servers: []string{"nats://n1.example.org"}, User: "a"}, "user without password"},
		{"a prefix with dots", engine.NATS{Servers: []string{"nats://n1.example.org"}, Prefix: "a.b"}, "prefix"},
		{"a prefix with stars", engine.NATS{Servers: []string{"nats://n1.example.org"}, Prefix: "*"}, "prefix"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.m.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %q", err, c.want)
			}
		})
	}
}
