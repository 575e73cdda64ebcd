package tls

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// authority is another Caddy, which issues certificates by ACME. It asks for proof at
// the ports 80 and 443 of the name, as all authorities do, so it is for tests that have a
// network of their own.
type authority struct {
	directory string // URL
	root      string // file of the certificate to trust
}

// newAuthority starts one. Its certificates are good for the shortest time that it
// grants: five minutes, and the minute before.
func newAuthority(t testing.TB) *authority {
	t.Helper()
	home := t.TempDir()
	harness.RunProcess(t, home, fmt.Sprintf(`{
		admin off
		storage file_system %s
		skip_install_trust
		auto_https disable_redirects
	}
	https://ca.example.org:9443 {
		bind 127.0.0.1
		tls internal
		acme_server {
			lifetime 5m
		}
	}`, home))
	a := &authority{
		directory: "https://ca.example.org:9443/acme/local/directory",
		root:      filepath.Join(home, "pki", "authorities", "local", "root.crt"),
	}
	s := &harness.Server{T: t, Name: "ca.example.org", Authority: a.root, TLS: "127.0.0.1:9443"}
	harness.Eventually(t, "the authority answers", func() error {
		_, err := certificate(s, harness.HTTP1)
		return err
	})
	return a
}

// nameHere lets names lead to this machine, for all processes of the test.
func nameHere(t testing.TB, names ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hosts")
	harness.WriteFile(t, path, "127.0.0.1 localhost "+strings.Join(names, " ")+"\n")
	harness.RunCommand(t, "mount", "--make-rprivate", "/")
	harness.RunCommand(t, "mount", "--bind", path, "/etc/hosts")
	t.Cleanup(func() { harness.RunCommand(t, "umount", "/etc/hosts") })
}
