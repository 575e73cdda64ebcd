// Package fallback decides what the listeners of a mount hear while its source is
// away, and plays files in its place.
//
// A Director decides. Its input is plain values: the rules of mounts, which mounts have
// audio, and what a listener hears now. The result names a mount; package streaming
// moves the listeners. A Director is safe for concurrent use and is called under the
// station's lock, so it never waits and never calls the station back.
//
// A Player plays files in an endless loop as one stream of one content type. It is read
// like any source, by one goroutine: Read blocks until audio is due by the durations of
// the frames before it, and returns whole frames or pages. Nothing is decoded. Only audio
// is sent, without tags and without tables that describe a file; decoder headers are sent
// in front of it. A Player starts no goroutine, and all listeners of a mount share it.
//
// Files may be damaged or change while they are played. A file that cannot be played is
// skipped, logged once, and tried again after it has changed. Read fails only if no file
// can be played.
//
// Players runs a Player for each fallback in use, as a source of the station.
// The standby loop is part of the program.
package fallback
