// Package docs tests the documentation: every example is a configuration, every link leads
// somewhere.
package docs

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
