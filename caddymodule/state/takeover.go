package state

import (
	"sync"

	"github.com/caddycast/caddycast/caddymodule/handover"
)

// tookOver is closed when this process has taken another one's place.
var tookOver = make(chan struct{})

// IsTakingOver reports whether this process is to take another one's place, and has not done so yet.
func IsTakingOver() bool {
	if handover.Predecessor() == nil {
		return false
	}
	select {
	case <-tookOver:
		return false
	default:
		return true
	}
}

// TookOver says that this process has taken the other one's place.
var TookOver = sync.OnceFunc(func() { close(tookOver) })
