package harness

import (
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

// Patience is how long a test waits for what takes little time. A test that passes does not
// notice it; it leaves room for a machine that does ten other things.
const Patience = time.Minute

// StartUp is how long a program may take to start: liquidsoap reads its library for seconds
// when it has a processor to itself, and several start at once.
const StartUp = 5 * time.Minute

// Eventually waits until a condition holds; what names it in the failure.
func Eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	if err := Await(try); err != nil {
		t.Fatalf("not within %v: %s: %v", Patience, what, err)
	}
}

// Await tries until it succeeds, or returns what the last try did. It may be called from
// any goroutine.
func Await(try func() error) error { return AwaitWithin(Patience, try) }

// AwaitWithin is Await for what takes longer.
func AwaitWithin(limit time.Duration, try func() error) error {
	return eventually.Within(limit, 10*time.Millisecond, try)
}
