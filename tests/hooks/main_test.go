// Package hooks tests what endpoints, programs and Caddy's event handlers receive and
// asked, also over reloads and restarts.
package hooks

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
