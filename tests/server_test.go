package tests

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddycast/caddycast"
	"github.com/caddycast/caddycast/internal/leaks"
)

// patience is how long a test waits for what takes little time.
const patience = 20 * time.Second

// storage is where Caddy keeps its certificates during all the tests.
var storage string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "caddycast-tests-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	storage = dir
	// Caddy keeps a copy of its configuration in the user's home.
	os.Setenv("XDG_CONFIG_HOME", dir)
	os.Setenv("XDG_DATA_HOME", dir)
	if err := makeCertificate(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := caddy.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping Caddy:", err)
		return 1
	}
	if left := leaks.Left("caddycast/caddycast/streaming", "caddycast/caddycast/caddymodule", "caddycast/caddycast/hooks"); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines were left behind:\n"+left)
		return 1
	}
	return code
}

// server is Caddy with a station on a plain and on an encrypted site.
type server struct {
	t     testing.TB
	plain string // addresses, as host:port
	tls   string
	wired string // encrypted, with the listener wrapper before TLS
	admin string

	name       string // of its sites over TLS, empty: any
	authority  string // file of who signed its certificate, empty: itself
	unverified bool   // the authority that signed its certificate is not known here
}

// config is a Caddyfile in which the addresses are to be filled in, and the
// settings of the station. The certificate is one that we made: those that Caddy
// manages are announced while its TLS app still starts, which is a race in
// Caddy 2.11.9 that the race detector would blame on our tests.
const config = `
{
	admin %s
	storage file_system %s
	skip_install_trust
	auto_https off
	log {
		output file %s
		level DEBUG
	}
	servers 127.0.0.1:%[8]s {
		listener_wrappers {
			icecast
			tls
		}
	}
	%[4]s
}
http://:%[5]s {
	bind 127.0.0.1
	%[6]s
	icecast
}
https://127.0.0.1:%[7]s, https://:%[7]s, https://:%[8]s {
	bind 127.0.0.1
	tls %[2]s/cert.pem %[2]s/key.pem
	%[6]s
	icecast
}
`

// station is the usual settings.
const station = `icecast {
	source_password hackme
	admin_password  letmein
	relay_password  pullme
}`

// start runs Caddy with a station, and with more lines in its sites.
func start(t testing.TB, station string, site ...string) *server {
	t.Helper()
	s := &server{t: t, plain: freeAddress(t), tls: freeAddress(t), wired: freeAddress(t), admin: freeAddress(t)}
	if err := s.load(station, site...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCaddy(t) })
	return s
}

// stopCaddy ends Caddy, but not the process.
func stopCaddy(t testing.TB) {
	t.Helper()
	if err := caddy.Stop(); err != nil {
		t.Errorf("stopping Caddy: %v", err)
	}
}

// caddyfile returns the whole configuration.
func (s *server) caddyfile(station string, site ...string) string {
	lines := strings.Join(site, "\n\t")
	return fmt.Sprintf(config, s.admin, storage, s.logFile(), station, port(s.plain), lines, port(s.tls), port(s.wired))
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// adapt turns a Caddyfile into JSON.
func adapt(caddyfile string) ([]byte, error) {
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), nil)
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			return nil, fmt.Errorf("a warning: %s", w.Message)
		}
	}
	return adapted, err
}

// load puts a configuration into force within the process.
func (s *server) load(station string, site ...string) error {
	return s.loadRaw(s.caddyfile(station, site...))
}

func (s *server) loadRaw(caddyfile string) error {
	adapted, err := adapt(caddyfile)
	if err != nil {
		return err
	}
	return caddy.Load(adapted, true)
}

// reload puts a configuration into force over the admin API, as caddy reload does.
func (s *server) reload(station string, site ...string) error {
	return s.reloadRaw(s.caddyfile(station, site...))
}

func (s *server) reloadRaw(caddyfile string) error {
	req, err := http.NewRequest(http.MethodPost, "http://"+s.admin+"/load", strings.NewReader(caddyfile))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	req.Header.Set("Cache-Control", "must-revalidate")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, body)
	}
	return nil
}

func (s *server) logFile() string { return filepath.Join(storage, "log-"+s.admin) }

// logged waits for a line of the log that has all these fields.
func (s *server) logged(fields map[string]any) map[string]any {
	s.t.Helper()
	var found map[string]any
	eventually(s.t, fmt.Sprintf("the log has a line with %v", fields), func() error {
		text, err := os.ReadFile(s.logFile())
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			var entry map[string]any
			if json.Unmarshal(line, &entry) != nil {
				continue
			}
			matches := true
			for k, v := range fields {
				matches = matches && fmt.Sprint(entry[k]) == fmt.Sprint(v)
			}
			if matches {
				found = entry
				return nil
			}
		}
		return fmt.Errorf("%d bytes without it", len(text))
	})
	return found
}

// tlsConfig trusts the certificate that makeCertificate made, or the server's authority.
func (s *server) tlsConfig(protocols ...string) *tls.Config {
	pool := x509.NewCertPool()
	if pem, err := os.ReadFile(cmp.Or(s.authority, filepath.Join(storage, "cert.pem"))); err == nil {
		pool.AppendCertsFromPEM(pem)
	}
	if s.unverified {
		return &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: protocols}
	}
	return &tls.Config{RootCAs: pool, ServerName: cmp.Or(s.name, "127.0.0.1"), NextProtos: protocols}
}

// host is what requests say that they ask.
func (s *server) host() string { return cmp.Or(s.name, "localhost") }

// dial connects to the plain or the encrypted site, for HTTP/1.
func (s *server) dial(encrypted bool) net.Conn {
	s.t.Helper()
	return s.dialFor(http1, encrypted)
}

// dialFor connects to where listeners of a kind go.
func (s *server) dialFor(k kind, encrypted bool) net.Conn {
	s.t.Helper()
	address := s.tls
	if s.wired != "" && (k == wired || k == wiredic) {
		address = s.wired
	}
	// A connection that is opened and not used keeps a server from ending for
	// five seconds, so there is none.
	var conn net.Conn
	var err error
	if encrypted {
		conn, err = tls.Dial("tcp", address, s.tlsConfig("http/1.1"))
	} else {
		conn, err = net.Dial("tcp", s.plain)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(3 * time.Minute))
	return conn
}

// eventually waits until something succeeds.
func eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	if err := await(try); err != nil {
		t.Fatalf("it never came to pass that %s: %v", what, err)
	}
}

// await tries until it succeeds, or returns what the last try did.
func await(try func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}
