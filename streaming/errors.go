package streaming

import (
	"errors"

	"github.com/caddycast/caddycast/streaming/audience"
)

// Reasons why a listener or a source is refused.
var (
	ErrMountFull          = errors.New("max listeners reached")
	ErrStationFull        = errors.New("Icecast connection limit reached") //nolint:staticcheck // the wording that clients know
	ErrMountBandwidth     = errors.New("mount bandwidth reached")
	ErrStationBandwidth   = errors.New("server bandwidth reached")
	ErrTooManyFromAddress = audience.ErrTooMany
	ErrNoDirect           = errors.New("mountpoint unavailable")
	ErrMountInUse         = errors.New("Mountpoint in use") //nolint:staticcheck // the wording that clients know
	ErrTooManySources     = errors.New("too many sources connected")
	ErrNothing            = errors.New("there is nothing to hear")
	ErrClosed             = errors.New("station is closed")
)

// IsFull reports whether an error of Admit names a limit that all listeners of a mount or
// station share: their number or their bandwidth. Another mount, or another server, may
// still have room.
func IsFull(err error) bool {
	for _, limit := range []error{ErrMountFull, ErrMountBandwidth, ErrStationFull, ErrStationBandwidth} {
		if errors.Is(err, limit) {
			return true
		}
	}
	return false
}
