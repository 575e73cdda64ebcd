package harness

import (
	"bytes"
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/programs"
)

// Program returns the path of a program. If it is missing, the test fails in CI, and is
// skipped elsewhere.
func Program(t testing.TB, name string) string {
	t.Helper()
	return programs.Path(t, name)
}

// Launch starts a program, which is ended with the test, and after ten minutes at the latest.
func Launch(t testing.TB, name string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	cmd := exec.CommandContext(ctx, Program(t, name), args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	return cmd, &out
}
