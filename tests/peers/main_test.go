// Package cluster tests relays, masters and slaves, on one machine, over broken links and
package peers

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
