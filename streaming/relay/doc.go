// Package relay feeds mounts from other servers, and distributes listeners to slaves.
//
// A relay is a source that dials. It pulls one mount from the first of its upstreams that
// answers and, when the stream ends, dials again: at once, then after 1 s, doubled up to
// 30 s, for ever. A slave keeps one relay for each mount on the lists of its masters. An
// upstream sees a plain listener, so any Icecast or SHOUTcast server serves as one.
//
// A slave follows the list of a master as events, and reports its load and its mounts every
// two seconds over a connection of its own. A master registers its slaves by these reports,
// verifies their public URLs, and sends listeners to them by their free places; so it does to
// the slaves of its slaves. Other masters, which answer with the list alone, are polled.
//
// Manager holds the relays and the slave of one station across changes of its settings;
// Slaves holds the slaves of a master. Any goroutine may call both. Each relay is one
// goroutine, and a watcher has two for each master; Close waits for all of them. The state of
// a relay is a Status with a pure step, which also makes the event for log and hooks.
//
// Input from a peer is bounded in length and time. Credentials are sent to the host of their
// URL only, never to another host of a redirect and never from https to http. No callback
// but Missing is called, and no peer awaited, while a lock is held.
package relay
