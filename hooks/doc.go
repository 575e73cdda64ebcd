// Package hooks delivers the events of a station to programs, webhooks and other
// runners, in order and without ever blocking a stream. It does not import Caddy.
//
// An [Event] is a value: what happened, when, on which mount. A [Hook] is a queue
// with a [Runner], which delivers one event: a [Program], a [Webhook] or a type of
// another package. A [Plan] is the hooks of one configuration; it finds those of an
// event. A [Dispatcher] lives as long as its station and outlives configurations.
// Dispatch adds an event to the queue of each hook that the plan in force has for
// it; Apply puts the next plan into force, whose hooks continue with the queues of
// the same names.
//
// A queue is bounded by its number of events and by their size. Events of one key,
// mostly their mount, are delivered one after the other; events of different keys
// at once, by as many workers as the policy allows. An event that fails is retried
// with growing pauses, and its key waits, until it is delivered, its time is over,
// or its error is permanent. What is dropped or given up is counted and logged.
//
// A queue whose policy is to persist is stored in segments (segment.go) of a
// [Store], one second after an event was queued at the latest. An event that is
// delivered before costs the store nothing. A process that is killed at any moment
// loses no event that was stored. An event is delivered at least once: again, if
// the process ended before its delivery was stored.
//
// Begin queues the event of a begin, such as listener_added, and stores the event of the end as a
// will (will.go). If the process is killed before that end, the next process delivers the will.
//
// Goroutines: all exported methods may be called from any goroutine. Runners run on
// the workers of their queue, which end when nothing is due; the store is called by
// one goroutine at a time for each queue. Close waits for all of them. Two things
// outlive Close: a program that is left running, for which Program.Wait waits, and
// the storing of an event that came after Close.
//
// The package never calls a runner, a store or a logger with its lock held, never
// starts a goroutine before there is an event or a stored queue, and never changes
// an event.
package hooks
