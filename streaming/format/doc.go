// Package format cuts the bytes that a source sends into units: frames of MPEG
// audio, ADTS and FLAC, pages of Ogg, blocks of WebM and Matroska, packets of
// MPEG-TS, or whatever arrived where a type has no frames that we know.
//
// A Framer is a pure step: bytes in, units out. It does no I/O, reads no clock,
// starts no goroutine and keeps nothing of the buffer it was shown, so the same
// bytes give the same units however they were cut on their way. What it reads
// is hostile until proven otherwise: every length is checked against the bytes
// that are there, no unit is longer than MaxUnit, and no byte costs more than a
// fixed number of steps. After damage it finds its way back by itself; what is
// not whole by then is dropped.
//
// MPEG audio and ADTS can be heard from any frame on. The others have to be told
// first what is coming, so their units name the Init that tells it:
//
//	             Init                       unit               listeners begin at
//	Ogg          header pages of a link     page               a packet of sound,
//	                                                           or a key frame
//	FLAC         STREAMINFO, comments       frame              each frame
//	WebM         all before the first       mark of a Cluster, Clusters, with pictures
//	             Cluster                    block              if a key frame leads
//	MPEG-TS      PAT, PMT                   packet             a frame of sound,
//	                                                           or a key frame
//
// Units are the source's bytes but for what would tie a stream to a file: the sizes
// of Segments and Clusters become unknown, the length and checksum of the whole
// are cleared. A Retitler may also begin a stream anew with another title, where
// that can be done without touching a packet: in Ogg with a lone Vorbis, Opus or
// FLAC stream, and in FLAC.
//
// New is the way in. It looks at the first bytes, since the declared type may
// lie (VLC says application/ogg for MP3), and picks the framer from them.
package format
