package format

import (
	"math"
	"time"
)

// maxStep is the maximum duration of a unit. Clocks jump when a source was interrupted;
// such a gap is no playing time.
const maxStep = 30 * time.Second

// plausible returns a duration, zero if the clock jumped or went back.
func plausible(seconds float64) time.Duration {
	if seconds > 0 && seconds <= maxStep.Seconds() {
		return time.Duration(math.Round(seconds * float64(time.Second)))
	}
	return 0
}
