// Package programs finds what tests need that is not Go: encoders, players,
// peers.
package programs

import (
	"os"
	"os/exec"
	"testing"
)

// Path returns the path of a program. In CI it must be there; elsewhere the test
// is skipped, loudly.
func Path(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name+" is not installed; make deps installs it")
	}
	return path
}

// Missing ends a test that can't be run here: it fails in CI, and is skipped
// elsewhere.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("CI must run this test, but %s", what)
	}
	t.Skipf("SKIPPED, NOTHING WAS TESTED: %s", what)
}
