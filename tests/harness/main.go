package harness

import (
	"fmt"
	"os"
	"testing"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // for Caddyfiles

	_ "github.com/caddycast/caddycast" // the modules under test
	"github.com/caddycast/caddycast/internal/leaks"
)

// Storage is a folder of this process. Caddy keeps its certificates and logs there, and
// cert.pem and key.pem are the certificate of NewServer's sites. Run sets it.
var Storage string

// Run is the TestMain of a package: it runs the tests, stops Caddy, and returns the exit
// code. A goroutine of caddycast that outlives the tests is a failure.
func Run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "caddycast-tests-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	Storage = dir
	// Caddy keeps a copy of its configuration in the user's home.
	os.Setenv("XDG_CONFIG_HOME", dir)
	os.Setenv("XDG_DATA_HOME", dir)
	if err := MakeCertificate(dir); err != nil {
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
