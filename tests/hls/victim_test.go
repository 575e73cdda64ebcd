package hls_test

import (
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// startVictim runs a station in a process of its own, which is killed, until the test ends.
func startVictim(t testing.TB, station string) *harness.Restartable {
	s := harness.NewServer(t)
	v := &harness.Restartable{Server: s, Home: t.TempDir(), Config: s.Caddyfile(station)}
	startAgain(v)
	return v
}

// startAgain starts a process that has ended, and returns when all its sites answer.
func startAgain(v *harness.Restartable) {
	v.T.Helper()
	v.Start()
	harness.Eventually(v.T, "the sites of the process answer", v.AllAnswer)
}
