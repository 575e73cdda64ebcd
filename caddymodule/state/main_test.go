package state

import (
	"os"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/internal/leaks"
)

// patience is how long a test waits for what should happen at once.
const patience = 10 * time.Second

// TestMain fails if a goroutine outlives the tests: each station ends with its test.
func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "github.com/caddycast/")) }

// acquireFor returns a generation of the station with the test's name, resolved and not in
// force. It is released when the test ends.
func acquireFor(t *testing.T, log *zap.Logger) *Generation {
	t.Helper()
	g, err := Acquire(t.Name(), log, func(string) *MountPolicy { return new(MountPolicy) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Release(); err != nil {
			t.Error(err)
		}
	})
	g.Resolve()
	return g
}

// publishLogged puts a generation into force, and returns what its station logs.
func publishLogged(t *testing.T) (*Generation, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	g := acquireFor(t, zap.New(core))
	g.Publish()
	return g, logs
}
