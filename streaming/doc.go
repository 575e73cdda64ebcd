// Package streaming is the engine: the way of a byte from a source to its
// listeners. It knows nothing of Caddy and little of HTTP.
//
// A Source cuts what it reads into units (package format) and appends them, as
// immutable blocks, to the Log of its Mount. Each Listener walks that log with
// a cursor of its own, without locks; the garbage collector frees the blocks
// that nobody can reach any more. A few shards, one per processor, write what
// is due to all plain sockets in turns, without blocking; other connections
// have a goroutine each, which the shard wakes. A Station holds the mounts of
// one identity, and outlives every change of its Settings.
//
// Read block, log, cursor, listener, shard, mount, source, station, in this
// order. Every exported method may be called from any goroutine, unless it says
// otherwise; none blocks on a peer except those of Source.
package streaming
