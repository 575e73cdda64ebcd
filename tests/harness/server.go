package harness

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// Server is a Caddy with a station on a plain and on an encrypted site, or any other server
// whose plain site a test talks to.
type Server struct {
	T            testing.TB
	Plain        string // addresses, as host:port
	TLS          string
	Wired        string // encrypted, with the listener wrapper before TLS
	AdminAddress string

	Name       string // of its sites over TLS, empty: any
	Authority  string // file of who signed its certificate, empty: itself
	station    string // of a cluster's node; empty: its Caddy has one alone
	unverified bool   // the authority that signed its certificate is not known here
}

// NewServer returns a server with free addresses, which is not running yet.
func NewServer(t testing.TB) *Server {
	t.Helper()
	return &Server{T: t, Plain: FreeAddress(t), TLS: FreeAddress(t), Wired: FreeAddress(t), AdminAddress: FreeAddress(t)}
}

// At returns the server whose plain site is at an address, whoever runs it.
func At(t testing.TB, address string) *Server { return &Server{T: t, Plain: address} }

// For returns the same server for a subtest.
func (s *Server) For(t testing.TB) *Server {
	other := *s
	other.T = t
	return &other
}

// config is a Caddyfile in which the options, the addresses and the settings of the station
// are to be filled in. The certificate is that of the process: those that Caddy manages are
// announced while its TLS app still starts, which is a race in Caddy 2.11.9 that the race
// detector would blame on the tests.
const config = `
{
	%[1]s
	servers 127.0.0.1:%[7]s {
		listener_wrappers {
			icecast
			tls
		}
	}
	%[3]s
}
http://:%[4]s {
	bind 127.0.0.1
	%[5]s
	icecast
}
https://127.0.0.1:%[6]s, https://:%[6]s, https://:%[7]s {
	bind 127.0.0.1
	tls %[2]s/cert.pem %[2]s/key.pem
	%[5]s
	icecast
}
`

// Station is the configuration of most tests.
const Station = `icecast {
	source_password hackme
	admin_password  letmein
	relay_password  pullme
}`

// Start runs Caddy with a station, and with more lines in its sites, until the test ends.
func Start(t testing.TB, station string, site ...string) *Server {
	t.Helper()
	s := NewServer(t)
	if err := s.Load(station, site...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { StopCaddy(t) })
	return s
}

// StopCaddy ends Caddy, but not the process.
func StopCaddy(t testing.TB) {
	t.Helper()
	if err := caddy.Stop(); err != nil {
		t.Errorf("stopping Caddy: %v", err)
	}
}

// Caddyfile returns the whole configuration of a station.
func (s *Server) Caddyfile(station string, site ...string) string {
	lines := strings.Join(site, "\n\t")
	return fmt.Sprintf(config, s.GlobalOptions(), Storage, station, Port(s.Plain), lines, Port(s.TLS), Port(s.Wired))
}

// GlobalOptions returns the options of a Caddyfile that keep a Caddy to its own addresses and
// to the folder of this process, and write everything into LogFile.
func (s *Server) GlobalOptions() string {
	return fmt.Sprintf(`admin %s
	storage file_system %s
	skip_install_trust
	auto_https off
	log {
		output file %s
		level DEBUG
	}`, s.AdminAddress, Storage, s.LogFile())
}

// Adapt turns a Caddyfile into JSON.
func Adapt(caddyfile string) ([]byte, error) {
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), nil)
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			return nil, fmt.Errorf("a warning: %s", w.Message)
		}
	}
	return adapted, err
}

// Load loads a station into the Caddy of this process.
func (s *Server) Load(station string, site ...string) error {
	return s.LoadCaddyfile(s.Caddyfile(station, site...))
}

// LoadCaddyfile loads a whole configuration into the Caddy of this process.
func (s *Server) LoadCaddyfile(caddyfile string) error {
	adapted, err := Adapt(caddyfile)
	if err != nil {
		return err
	}
	defer beginLoading()()
	return caddy.Load(adapted, true)
}

// Reload loads a station over the admin API, as caddy reload does.
func (s *Server) Reload(station string, site ...string) error {
	return s.ReloadCaddyfile(s.Caddyfile(station, site...))
}

// ReloadCaddyfile loads a whole configuration over the admin API, as caddy reload does.
func (s *Server) ReloadCaddyfile(caddyfile string) error {
	req, err := http.NewRequest(http.MethodPost, "http://"+s.AdminAddress+"/load", strings.NewReader(caddyfile))
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

// TLSConfig trusts the certificate of the process, or the server's Authority.
func (s *Server) TLSConfig(protocols ...string) *tls.Config {
	pool := x509.NewCertPool()
	if pem, err := os.ReadFile(cmp.Or(s.Authority, filepath.Join(Storage, "cert.pem"))); err == nil {
		pool.AppendCertsFromPEM(pem)
	}
	if s.unverified {
		return &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: protocols}
	}
	return &tls.Config{RootCAs: pool, ServerName: cmp.Or(s.Name, "127.0.0.1"), NextProtos: protocols}
}

// host is the Host of requests.
func (s *Server) host() string { return cmp.Or(s.Name, "localhost") }

// Dial connects to the plain or the encrypted site, for HTTP/1.
func (s *Server) Dial(encrypted bool) net.Conn {
	s.T.Helper()
	return s.dialFor(HTTP1, encrypted)
}
