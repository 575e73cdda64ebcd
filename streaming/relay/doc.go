// Package relay feeds mounts from other servers, and sends listeners to others.
//
// A relay is a source that dials: it pulls one mount from the first of its
// upstreams that answers, and when that ends it dials again, at once, then after
// one second, then after two, up to thirty, for ever. A slave keeps a relay for
// each mount that its masters list. To the upstream both are plain listeners, so
// any Icecast or SHOUTcast server will do.
//
// A master knows its slaves by what they report when they ask for the list, and
// shares listeners out to them by how much room each has.
//
// Manager holds the relays and the slave of one station over all changes of their
// settings, Slaves the slaves of a master. Both may be used by any goroutine. What
// comes from a peer is bounded in length and time, whoever the peer is.
package relay
