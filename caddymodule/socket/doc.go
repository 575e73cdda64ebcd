// Package socket keeps one listening socket for an address from one configuration to the next.
//
// Caddy opens a new socket for each configuration and closes the old one a moment later. Linux
// spreads new connections over both (SO_REUSEPORT), and resets those that still wait in the one
// that is closed. Here the first socket of an address stays, and each configuration accepts from
// it through a descriptor of its own. A filter of the kernel sends all connections to the first
// socket of a group, so that the queue of Caddy's new one is empty when it is closed.
//
// A connection that the earlier configuration has accepted, but has not answered, can be passed on to the
// listener of the next one, or of the process that takes this one's place, with the bytes that were read.
//
// Nothing is between a server and its socket: a descriptor is a net.TCPListener. Elsewhere than
// on Linux, and behind another listener wrapper, all is as Caddy does it.
package socket
