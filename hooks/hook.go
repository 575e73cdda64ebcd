package hooks

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Runner makes happen what a hook is for.
type Runner interface {
	// Run does it for one event. It returns soon after ctx is done. An error
	// that Permanent has made is not tried again.
	Run(ctx context.Context, e *Event) error
}

// Hook is what is to happen upon some events.
type Hook struct {
	Name   string // of its queue: a hook of the next plan with the same name goes on with it
	Label  string // what the log calls it, such as "webhook https://example.org/hook"
	Runner Runner
	Policy Policy
}

// Policy is how a hook's queue is worked off.
type Policy struct {
	Workers int           // events at a time; 0: 1
	Length  int           // of the queue, in events; 0: DefaultLength
	Retry   time.Duration // since the event, for which what fails is tried again; 0: once is enough
	Persist bool          // what is queued outlives the process

	// Key names what must be done in order. Nil: the mount of the event.
	Key func(*Event) string
}

const (
	DefaultLength = 10000
	maxBytes      = 64 << 20 // of texts in a queue
)

func (p *Policy) key(e *Event) string {
	if p.Key == nil {
		return e.Mount
	}
	return p.Key(e)
}

// expired tells whether it is too late for an event.
func (p *Policy) expired(e *Event, now time.Time) bool {
	return p.Retry > 0 && now.Sub(e.Time) > p.Retry
}

// Permanent marks an error that comes again each time.
func Permanent(err error) error { return permanentError{err} }

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// again tells whether what failed is worth another try.
func (p *Policy) again(err error, e *Event, now time.Time) bool {
	return p.Retry > 0 && !p.expired(e, now) && !errors.As(err, new(permanentError))
}

// Plan is all the hooks of a configuration. It does not change.
type Plan struct {
	Hooks []*Hook

	// For returns those that an event on a mount makes run. It must be fast.
	For func(name Name, mount string) []*Hook
}

func (p *Plan) has(name string) bool {
	return slices.ContainsFunc(p.Hooks, func(h *Hook) bool { return h.Name == name })
}

// firstPause and longestPause bound the time between two tries.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = time.Minute
)

// pause returns how long to wait after so many failures, of which there is at
// least one; jitter is from 0 to 1. It is never zero, and tries of many servers
// don't come together.
func pause(failures int, jitter float64) time.Duration {
	p := longestPause
	if shift := failures - 1; shift < 10 {
		p = min(p, firstPause<<shift)
	}
	return p/2 + time.Duration(jitter*float64(p/2))
}
