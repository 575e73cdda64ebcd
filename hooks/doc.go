// Package hooks tells the outside world what happens to a station, reliably and
// without ever keeping the streams waiting. It knows nothing of Caddy.
//
// An Event is a value: what happened, when, to which mount. A Dispatcher, which
// lives as long as its station, takes events by Dispatch, which never blocks, and
// puts each into the queue of every Hook that the Plan in force has for it. A
// queue is bounded, keeps the order of what has the same key (mostly the mount),
// tries again what failed and may be tried again, and can be kept in a Store, so
// that it outlives the process. What an event makes happen is the hook's Runner:
// a Program, a Webhook, or anything else.
//
// A Plan comes with the configuration. The next one takes over the queues of the
// hooks that it has too, by their names; what is queued for a hook that is no
// more is still done, as that hook was last set.
package hooks
