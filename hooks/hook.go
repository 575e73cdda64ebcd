package hooks

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Runner delivers events, each in whatever way is its own.
type Runner interface {
	// Run delivers one event and returns soon after ctx is done. It is called by
	// several goroutines at a time, as many as the policy of the hook has workers;
	// for events of one key by one at a time. It must not change the event. An
	// event whose error is Permanent is not retried; one of another error is, if
	// the policy says so.
	Run(ctx context.Context, e *Event) error
}

// Hook is a queue of events and what delivers them. It does not change once it is
// part of a plan that is in force.
type Hook struct {
	Name   string // of its queue; unique in a plan, and the same in the next one that continues the queue
	Label  string // its kind, and after a space more for the log, such as "webhook example.org"; without secrets
	Runner Runner
	Policy Policy
}

// Policy is how a hook delivers what is in its queue.
type Policy struct {
	Workers int           // events at a time; 0: 1
	Length  int           // events that may be queued; 0: DefaultLength
	Retry   time.Duration // how long after an event its delivery is retried; 0: it is tried once
	Persist bool          // the queue is stored; without a store it is in memory only

	// Key returns the key of an event. Events of one key are delivered in order. Nil:
	// the key is the mount. It must be fast: it is called with a lock held.
	Key func(*Event) string
}

const (
	// DefaultLength is how many events may be queued for a hook by default.
	DefaultLength = 10000
	// maxBytes is about how many bytes the events of a queue may take.
	maxBytes = 64 << 20
)

func (p *Policy) key(e *Event) string {
	if p.Key == nil {
		return e.Mount
	}
	return p.Key(e)
}

// expired reports whether the time to retry an event is over.
func (p *Policy) expired(e *Event, now time.Time) bool {
	return p.Retry > 0 && now.Sub(e.Time) > p.Retry
}

// Permanent marks an error that a retry would not mend. err must not be nil.
func Permanent(err error) error { return permanentError{err} }

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// again reports whether an event that failed is to be retried.
func (p *Policy) again(err error, e *Event, now time.Time) bool {
	return p.Retry > 0 && !p.expired(e, now) && !errors.As(err, new(permanentError))
}

// Plan is the hooks of one configuration. It does not change.
type Plan struct {
	Hooks []*Hook // all of them

	// For returns the hooks of an event on a mount, each once. It must be fast and
	// must not call the dispatcher: it is called with a lock held.
	For func(name Name, mount string) []*Hook
}

// has reports whether the plan has a hook of that name.
func (p *Plan) has(name string) bool {
	return slices.ContainsFunc(p.Hooks, func(h *Hook) bool { return h.Name == name })
}

// firstPause and longestPause bound the pause between two tries.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = time.Minute
)

// pause returns the pause after that many failures, one at least. It doubles each
// time and is never zero. jitter, from 0 to 1, keeps the tries of many servers apart.
func pause(failures int, jitter float64) time.Duration {
	p := longestPause
	if shift := failures - 1; shift < 10 {
		p = min(p, firstPause<<shift)
	}
	return p/2 + time.Duration(jitter*float64(p/2))
}
