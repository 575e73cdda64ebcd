// Package eventually waits in tests: for a condition, or for the clock of a bubble.
//
// Within and True poll a condition that nothing signals, such as a file that another process
// writes, and fail with what the last try found. They are for conditions alone: a test
// whose condition has a channel waits for the channel. Advance moves the clock of a synctest
// bubble, in which no real time passes; outside of a bubble it panics, so that no test sleeps
// by it. The functions may be called from any goroutine, except for True and Advance, which
// belong to the test's own.
package eventually

import (
	"testing"
	"testing/synctest"
	"time"
)

// Within tries until it succeeds, with a pause between two tries, or returns the error of the
// last try once the limit is over. It tries at least once.
func Within(limit, pause time.Duration, try func() error) error {
	for end := time.Now().Add(limit); ; time.Sleep(pause) {
		if err := try(); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// True waits until a condition holds, and ends the test if it does not within the limit. The
// condition is named by what.
func True(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// Advance moves the clock of the bubble, and returns once all other goroutines of the bubble
// wait. It panics outside of a synctest bubble.
func Advance(d time.Duration) {
	synctest.Wait()
	time.Sleep(d)
	synctest.Wait()
}
