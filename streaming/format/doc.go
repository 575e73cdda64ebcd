// Package format cuts the bytes that a source sends into units: whole MPEG
// audio frames, whole ADTS frames, or whatever arrived where a type has no
// frames that we know.
//
// A Framer is a pure step: bytes in, units out. It does no I/O, reads no clock,
// starts no goroutine and keeps nothing of the buffer it was shown, so the same
// bytes give the same units however they were cut on their way. What it reads
// is hostile until proven otherwise: every length is checked against the bytes
// that are there, and no unit is longer than MaxUnit.
//
// New is the way in. It looks at the first bytes, since the declared type may
// lie (VLC says application/ogg for MP3), and picks the framer from them.
package format
