// Package handover is the link between a process and the one that takes its place.
//
// The older process starts the newer one with one end of a pair of Unix sockets (Start). Each
// message on it is JSON, with a descriptor of a socket beside it if it has one (unix(7),
// SCM_RIGHTS). The newer process asks, the older one answers: first for the listening sockets, while
// its configuration starts; then for the streams, once all of it has started; then it says that it
// has them. Up to that the older process can go on as if nothing had happened, whatever becomes of
// the newer one. Package upgrade is what both do with the messages.
//
// A Link is used by one goroutine for sending and one for receiving at a time. Predecessor is the
// newer process's end, nil in a process that was started as usual. The handover is for Linux; Start
// fails elsewhere.
package handover
