// Package modules tests modules of other plugins: can they decide on listeners, act on events
// and stand in for mounts, in a Caddy that is built with them?
package modules

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
