// Package tls tests certificates, ACME and what a mount demands of TLS.
package tls

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
