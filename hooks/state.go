package hooks

// state is how a queue stands with its store and with its hook. It is a value;
// next is the only way to another one.
type state struct {
	storage       storage
	retrying      int  // key queues whose first event has failed and is tried again
	failureLogged bool // a failure was logged, and the hook has not recovered since
	counts        counts
}

// counts are events that were not delivered, since the queue was made.
type counts struct {
	lost    uint64 // there was no room
	late    uint64 // the time to retry was over
	refused uint64 // they failed and were not retried
}

// storage is how a queue stands with its store.
type storage uint8

const (
	inMemory     storage = iota // it is not stored
	loading                     // what is stored is being read; it must be done before all else
	unavailable                 // what is stored could not be read; it will be tried again
	ready                       // what is stored was read; the rest can be stored
	writeFailing                // as ready, but the last write failed
)

// change is what happens to a queue.
type change uint8

const (
	opened      change = iota // it has a store
	loaded                    // what was stored is queued
	loadFailed                // the store could not be read
	saved                     // the store has what is queued
	saveFailed                // the store could not be written
	dropped                   // there was no room for an event
	delivered                 // an event was delivered
	failed                    // an event failed and will be retried
	refused                   // an event failed and will not be retried
	expired                   // the time to retry an event is over
	interrupted               // the end of the station interrupted a try
)

// next returns the state after a change. For a change of an event, retry reports
// whether the event had failed before.
func (s state) next(c change, retry bool) state {
	switch c {
	case opened:
		s.storage = loading
	case loaded:
		s.storage = ready
	case loadFailed:
		s.storage = unavailable
	case saved:
		s.storage = ready
	case saveFailed:
		s.storage = writeFailing
	case dropped:
		s.counts.lost++
	case failed:
		s.failureLogged = true
		if !retry {
			s.retrying++
		}
	case refused:
		s.failureLogged = true
		s.counts.refused++
	case expired:
		s.counts.late++
	case delivered, interrupted:
	}
	switch c {
	case delivered, refused, expired:
		if retry {
			s.retrying--
		}
		if c == delivered && s.retrying == 0 {
			s.failureLogged = false
		}
	}
	return s
}

// mayRun reports whether events may be delivered.
func (s state) mayRun() bool { return s.storage != loading }

// maySave reports whether the queue may be stored.
func (s state) maySave() bool { return s.storage == ready || s.storage == writeFailing }
