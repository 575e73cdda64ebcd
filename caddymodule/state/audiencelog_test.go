package state

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

func TestTheAudienceIsLoggedEachHourAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := 0
		log := newAudienceLog(func() { lines++ })
		eventually.Advance(untilHour() + 2*time.Hour)
		if lines != 3 {
			t.Errorf("%d lines after three full hours", lines)
		}
		log.close()
		log.close()
		eventually.Advance(3 * time.Hour)
		if lines != 4 {
			t.Errorf("%d lines after the end; want one more", lines)
		}
	})
}

// TestTheLastAudienceLineIsWrittenThoughTheHourIsFull: where the station ended while the line of
// an hour was written, its last line was left out, and the timer could be set once more.
func TestTheLastAudienceLineIsWrittenThoughTheHourIsFull(t *testing.T) {
	lines := 0
	writing, closed := make(chan struct{}), make(chan struct{})
	log := newAudienceLog(func() {
		if lines++; lines > 1 {
			return
		}
		close(writing)
		select {
		case <-closed: // before this line is written
		case <-time.After(50 * time.Millisecond): // it waits for this line
		}
	})
	log.timer.Reset(0)
	<-writing
	log.close()
	close(closed)
	if lines != 2 {
		t.Errorf("%d lines; want that of the hour, and the last", lines)
	}
	if log.timer.Stop() {
		t.Error("the timer was set again")
	}
}
