package relay

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/internal/leaks"
)

// TestMain fails the package if anything of it still runs after its tests.
func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "caddycast/streaming")) }
