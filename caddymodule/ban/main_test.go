package ban

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/internal/leaks"
)

func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "github.com/caddycast/")) }
