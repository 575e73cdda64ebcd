package streaming

import (
	"errors"
	"fmt"
	"testing"
)

// mount_full's reason is the text, so each limit needs one of its own.
func TestEachLimitHasItsOwnText(t *testing.T) {
	seen := make(map[string]error)
	for _, err := range []error{
		ErrMountFull, ErrStationFull, ErrMountBandwidth, ErrStationBandwidth, ErrTooManyFromAddress, ErrNoDirect, ErrMountInUse,
		ErrTooManySources, ErrNothing, ErrClosed,
	} {
		if seen[err.Error()] != nil {
			t.Errorf("two errors say %q", err)
		}
		seen[err.Error()] = err
	}
}

func TestIsFullCoversEachSharedLimit(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{ErrMountFull, true},
		{ErrMountBandwidth, true},
		{ErrStationFull, true},
		{ErrStationBandwidth, true},
		{fmt.Errorf("mount /live.mp3: %w", ErrMountBandwidth), true},
		{ErrTooManyFromAddress, false},
		{ErrNoDirect, false},
		{ErrNothing, false},
		{ErrClosed, false},
		{errors.New("max listeners reached"), false},
		{nil, false},
	} {
		if got := IsFull(c.err); got != c.want {
			t.Errorf("IsFull(%v) is %v, want %v", c.err, got, c.want)
		}
	}
}
