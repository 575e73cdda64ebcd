package relay

import (
	"testing"
	"time"
)

func TestWaitsGrowToHalfAMinute(t *testing.T) {
	for attempt, seconds := range []int{0, 1, 2, 4, 8, 16, 30, 30, 30} {
		want := time.Duration(seconds) * time.Second
		least, most := time.Hour, time.Duration(0)
		for range 1000 {
			got := backoff(attempt)
			least, most = min(least, got), max(most, got)
		}
		if least < want*3/4 || most > want*5/4 || want > 0 && most-least < want/4 {
			t.Errorf("attempt %d: from %v to %v; want %v, more or less", attempt, least, most, want)
		}
	}
}
