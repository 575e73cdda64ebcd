// Package listeners tests what listeners receive: over every protocol, with limits, intros
// and fallbacks, and what each of them costs.
package listeners

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
