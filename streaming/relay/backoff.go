package relay

import (
	"math/rand/v2"
	"time"
)

const (
	firstWait = time.Second
	longest   = 30 * time.Second

	// steady is how long a stream must have lasted for the next attempt to be
	// the first again. One that ends as soon as it begins would be asked for
	// without end.
	steady = time.Second
)

// backoff returns how long to wait before an attempt: nothing before the first,
// number 0, then one second, doubled up to thirty. A quarter of it, up or down, is
// chance, so that a master that comes back does not find all its slaves at the
// door at once.
func backoff(attempt int) time.Duration {
	if attempt == 0 {
		return 0
	}
	wait := longest
	if attempt <= 5 {
		wait = min(firstWait<<(attempt-1), longest)
	}
	return wait - wait/4 + rand.N(wait/2) //nolint:gosec // no secret
}
