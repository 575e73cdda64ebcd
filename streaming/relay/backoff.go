package relay

import (
	"math/rand/v2"
	"time"
)

const (
	firstWait = time.Second
	maxWait   = 30 * time.Second

	// steadyTime is how long a stream must have lasted for the next attempt to count as
	// the first. Without it, a stream that ends at once would be dialed without a pause.
	steadyTime = time.Second
)

// backoff returns the wait before an attempt: none before number 0, then one second, doubled
// up to thirty. A random quarter, up or down, keeps the slaves of a restarted master from
// returning all at once.
func backoff(attempt int) time.Duration {
	if attempt == 0 {
		return 0
	}
	wait := maxWait
	if attempt <= 5 {
		wait = min(firstWait<<(attempt-1), maxWait)
	}
	return wait - wait/4 + rand.N(wait/2) //nolint:gosec // no secret
}
