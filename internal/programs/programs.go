// Package programs finds the programs that tests run: encoders, players, peers.
//
// In CI, where the environment variable CI is set, each program must be installed, and a
// test without its program fails. On other machines the test is skipped, with a message that
// can't be overlooked. The package installs nothing; make deps does. Its functions are called
// on the goroutine of the test.
package programs

import (
	"os"
	"os/exec"
	"testing"
)

// Path returns the path of a program. Without it the test fails in CI, and is skipped on
// other machines.
func Path(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name+" is not installed; make deps installs it")
	}
	return path
}

// Missing ends a test that can't be run on this machine. It fails in CI, and is skipped on
// other machines.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("CI must run this test, but %s", what)
	}
	t.Skipf("SKIPPED, NOTHING WAS TESTED: %s", what)
}
