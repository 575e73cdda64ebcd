// Package cluster lets the nodes of a station find each other's streams, without a master.
//
// Each node announces what it has, over an Engine: its addresses, its listeners and its free
// places, as a slave reports them to a master, and its streams. A Message is whole, or has what
// has changed since the one before. It is signed; the id of a node is made of its public key, so
// that no node speaks for another one. A Directory holds the last state of all other nodes. It
// is a plain value with a pure step, and decides which node owns a mount: if several have a
// source for it, the one that took it over last, then the one at the node of the highest priority, then
// the older one. The owner's streams are pulled over plain HTTP, with a Token of a minute.
//
// A Node is one goroutine. It announces changes at once and signs of life each second; nothing
// on the way of a byte, of a listener or of a source waits for the engine. If the
// engine is away, the last state stays as it is: streams and listeners go on.
package cluster
