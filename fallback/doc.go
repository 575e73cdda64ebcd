// Package fallback decides what the listeners of a mount hear while its source
// is away, and plays files for them. It knows mounts as names and streams as
// bytes; who feeds which listener is the engine's business.
//
// What is decided follows from plain values: which mounts have sound, and what
// each of them falls back to. Of that, more stands beside the code that does it.
//
// What is played is a Player: files, one after the other and for ever, as one
// stream of one content type. It is read like any source, and it is at the same
// place for all who hear it, since there is one for a mount: a Read blocks until
// sound is due, by the time that the frames before it last, and then gives whole
// frames or pages. Nothing is decoded, and nothing but sound goes out: tags and
// tables that belong to a file stay behind, headers that a decoder needs go in
// front. Where a file ends the next one begins, with its title.
//
// Files may be broken, or change while they are played: what can't be played is
// passed over, said once in the log, and tried again when it has changed. Only if
// nothing can be played does Read fail, and says why. A Player starts no goroutine.
//
// StandbyPlayer plays a loop that is part of the program, for a station that has
// nothing else.
package fallback
