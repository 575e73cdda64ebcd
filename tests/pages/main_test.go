// Package pages tests browsers: the pages of a station, and pages of others that play its
// streams.
package pages

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
