// Package migration tests Icecast's configuration files: the same file runs icecast2 and
// caddycast, and both behave alike.
package migration

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
