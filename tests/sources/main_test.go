// Package sources tests how encoders and other sources connect, what they send and how
// their titles arrive: every protocol, the encoders of Debian, proxies, recordings and
// rejected requests.
package sources

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
