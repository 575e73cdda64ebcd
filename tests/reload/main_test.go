// Package reload tests what a reload, a rejected configuration and the end of the process
// do to sources and listeners.
package reload

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
