// Package recording writes what sources send into files.
//
// A Manager looks, whenever something changes at its station, which sources are there and
// which of their mounts are to be recorded, and has a recorder for each of those. A
// recorder reads the mount's log as a listener does, in a goroutine of its own, so a
// slow disk is nobody's business but its own: what it could not write in time is left
// out, and the next file begins with what is new.
//
// Files hold whole units and begin with what a decoder must know first. While one is
// written its name ends in ".part"; it gets its own when it is complete. Nothing is
// ever written over.
package recording
