// Package binary finds the programs that tests run in processes of their own. The target
// binaries of the Makefile builds them, from all that they are made of, once for every
// package; make test does so before the first test. A test that runs without make finds
// them built already, or waits here: call it before the clock of a test starts.
package binary

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Given is the environment variable that names the folder of the binaries for a process
// that can't build: a test that runs again in a network of its own.
const Given = "CADDYCAST_TEST_BINARIES"

// Caddy returns the path of a Caddy with caddycast as users build theirs, by xcaddy.
func Caddy(t testing.TB) string {
	t.Helper()
	return filepath.Join(Dir(t), "caddy")
}

// Guest returns the path of a Caddy with caddycast and the modules of another plugin, which
// are in tests/modules/testdata/guest.
func Guest(t testing.TB) string {
	t.Helper()
	return filepath.Join(Dir(t), "caddy-guest")
}

// Caddycast returns the path of cmd/caddycast as make build builds it.
func Caddycast(t testing.TB) string {
	t.Helper()
	return filepath.Join(Dir(t), "caddycast")
}

// Dir returns the folder of the binaries, in which they are up to date.
func Dir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv(Given); dir != "" {
		return dir
	}
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var build = sync.OnceValues(func() (dir string, err error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(root, "tests", "binaries")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	cmd := exec.Command("make", "-s", "-C", root, "binaries")
	for _, v := range os.Environ() { // a make that runs the tests has a say in its own targets alone
		if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New("make binaries: " + err.Error() + "\n" + string(out))
	}
	return dir, nil
})

// moduleRoot finds the folder of go.mod above this one.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("binary: no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
