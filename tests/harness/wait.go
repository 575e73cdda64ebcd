package harness

import (
	"context"
	"testing"
	"time"
)

// Patience is how long a test waits for what takes little time. A test that passes does not
// notice it; it leaves room for a machine that does ten other things.
const Patience = time.Minute

// Eventually waits until something succeeds.
func Eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	if err := Await(try); err != nil {
		t.Fatalf("it never came to pass that %s: %v", what, err)
	}
}

// Await tries until it succeeds, or returns what the last try did.
func Await(try func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}
