package caddymodule_test

import (
	"os"
	"testing"

	_ "github.com/caddycast/caddycast" // the modules that configurations name
	"github.com/caddycast/caddycast/internal/leaks"
)

// TestMain fails if a goroutine of the engine outlives the tests: each station ends with its
// test, and its end waits for all of them.
func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "github.com/caddycast/")) }
