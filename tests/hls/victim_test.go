package hls_test

import (
	"os/exec"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// victim is a server in a process of its own, which is killed.
type victim struct {
	*harness.Server
	home, config string
	process      *exec.Cmd
}

// startVictim runs a station in a process of its own, until the test ends.
func startVictim(t testing.TB, station string) *victim {
	s := harness.NewServer(t)
	v := &victim{Server: s, home: t.TempDir(), config: s.Caddyfile(station)}
	v.start()
	return v
}

func (v *victim) start() {
	v.T.Helper()
	v.process, _ = harness.RunProcess(v.T, v.home, v.config)
	harness.Eventually(v.T, "the sites of the process answer", v.AllAnswer)
}

// restart kills the process, and starts another one.
func (v *victim) restart() {
	v.T.Helper()
	if err := v.process.Process.Kill(); err != nil {
		v.T.Fatal(err)
	}
	_ = v.process.Wait()
	v.start()
}
