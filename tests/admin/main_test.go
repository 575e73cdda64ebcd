// Package admin tests the administration: Icecast's commands, the admin API, the command
// line, metrics.
package admin

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
