package eventually_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

func TestWithinReturnsWhatTheLastTryFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, fault := 0, errors.New("not yet")
		third := func() error {
			if tries++; tries < 3 {
				return fault
			}
			return nil
		}
		if err := eventually.Within(time.Second, 10*time.Millisecond, third); err != nil || tries != 3 {
			t.Errorf("%v after %d tries; want success at the third", err, tries)
		}
		began := time.Now()
		if err := eventually.Within(time.Second, 10*time.Millisecond, func() error { return fault }); !errors.Is(err, fault) {
			t.Errorf("%v; want the error of the last try", err)
		}
		if took := time.Since(began); took < time.Second || took > 1100*time.Millisecond {
			t.Errorf("it gave up after %v; want a second", took)
		}
	})
}

func TestAdvanceMovesTheClockOfABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, rang := time.Now(), false
		time.AfterFunc(time.Hour, func() { rang = true })
		eventually.Advance(time.Hour)
		if !rang || time.Since(began) != time.Hour {
			t.Errorf("after %v the timer has run: %v", time.Since(began), rang)
		}
	})
}

func TestAdvanceIsNoSleep(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it works outside of a bubble, where it would sleep")
		}
	}()
	eventually.Advance(time.Hour)
}
