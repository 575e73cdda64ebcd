// Package streaming is the engine: the way of a byte from a source to its listeners. It
// depends on nothing of Caddy, and on little of HTTP.
//
// A Source cuts what it reads into units (package format) and appends them, as immutable
// blocks, to the log of its Mount (package blocklog). Each Listener walks that log with a
// cursor of its own, without locks; the garbage collector frees the blocks that no cursor
// can reach. A few shards, one per processor, write what is due to all plain sockets in
// cycles, without blocking; other connections have a goroutine each, which the shard
// wakes. A Station holds the mounts of one identity, and outlives every change of its
// Settings.
//
// Every exported method may be called from any goroutine, unless its comment restricts it.
// None waits for a peer, except those of Source, Listener.Run and Station.Close. Observers
// are called from one goroutine of the station, never under a lock.
//
// The files, in reading order:
//
//	station.go           Station: the mounts of one identity
//	settings.go          Settings and MountSettings: the configuration, as a snapshot
//	mount.go             Mount: a name, a log, and the Stream that it promises
//
// From the source to the log:
//
//	source.go            Source: reads, cuts, appends
//	source_watch.go      a source that is silent for too long is ended
//	pace.go              a source that sends too fast has to wait
//	pauses.go            how long that is for a stream of another server
//	sources.go           how a source gets its mount, and gives it back
//	info.go              Info: how a source describes itself
//	resume.go            a relay continues after a break, at the very unit
//	read_batch.go        reads become fewer with many sources
//	read_batch_linux.go  ReadBatcher: how the kernel is made to wait
//	tap.go               Tap: reads one source, for recordings
//
// From the log to the listeners:
//
//	await.go             waiting until a mount has something to hear
//	admit.go             Mount.Admit: a Listener begins
//	join.go              limits, and the group of a new listener
//	quota.go             Quota: limits that several stations have together
//	listener.go          Listener, Client, Conn; the goroutine of a listener
//	listener_group.go    listenerGroup: listeners that hear the same
//	shard.go             shard: the loop that serves listeners
//	interval.go          how long a shard waits between two cycles
//	batch.go             batch: serving one group
//	socket_linux.go      socket and vector: many blocks in one write
//	socket_other.go      the same without the shared writer
//	cipher_buffer.go     CipherBuffer and TLSConn: encryption that never waits
//	gather.go            several records of TLS in one write, for answers
//	tls_linux.go         Listener.AttachTLS: the shared writer over TLS
//	netconn.go           NetConn: a Conn of any network connection
//	follower.go          Follower: hears a mount as its listeners do, for HLS
//	session.go           listeners of a Follower, without a connection
//	callback_queue.go    callbackQueue: what may be slow, in order
//
// What listeners hear:
//
//	director.go          Director: decides by Query, State and Decision
//	reconsider.go        the decisions are carried out; FeedChange
//	dependents.go        which mounts a change at one concerns
//	move.go              an operator moves listeners
//	notice.go            Notice: what has happened to a mount
//	changes.go           changes: at which mounts something has changed
//
// What is seen of it:
//
//	status.go            MountStatus: a mount at one moment
//	snapshot.go          ListenerSnapshot: the listeners at one moment
//	presence.go          presence and Transport: the connections there are now
//	counters.go          counters and Counts: what has happened on a mount
//	name_totals.go       MountTotals: the same by name, over all mounts that had it
//	stats.go             MountStats and StationStats
//	audience.go          the audience by days (package audience)
//	bitrate.go           the bitrate of a source
//	histogram.go         Distribution: how long cycles and delays are
//
// How another process goes on with it:
//
//	handover.go          Handover: the streams stand still, and are described
//	handover_source.go   a source waits, and passes its units on
//	handover_listener.go listeners are described; pump: what stays here for them
//	handover_linux.go    sockets as descriptors
//	handover_other.go    none of that
//	adopt.go             Adoption: the other side of it
//
// How it ends, and the rest:
//
//	reason.go            Reason: why a listener or a source ended
//	errors.go            why one is refused; IsFull
//	close.go             Station.Close
//	memory.go            memory goes back to the system after many arrivals
//	files_unix.go        MaxFiles: how many connections the process may have
//	files_other.go       the same where it is unknown
package streaming
