// Package format splits a source's byte stream into units: frames of MPEG audio,
// ADTS and FLAC, pages of Ogg, blocks of WebM and Matroska, packets of MPEG-TS.
// Bytes of any other type are carried as they arrive.
//
// A Framer is a pure step: bytes in, units out. It does no I/O, reads no clock,
// starts no goroutine and keeps no reference to its input, so the same bytes give
// the same units however reads divide them. A framer belongs to one goroutine.
//
// Input is hostile until proven otherwise. Every length is checked against the bytes
// present, no unit is longer than MaxUnit, and the work per byte is bounded. After
// damage a framer resynchronises by itself and drops incomplete units.
//
// A decoder can start at any frame of MPEG audio and ADTS. The other formats need an
// Init first, and their units name it:
//
//	             Init                       unit               listeners start at
//	Ogg          header pages of a link     page               an audio packet or
//	                                                           a key frame
//	FLAC         STREAMINFO, comments       frame              each frame
//	WebM         all before the first       Cluster header,    a Cluster; with video,
//	             Cluster                    block              if it starts with a key frame
//	MPEG-TS      PAT, PMT                   packet             an audio frame or
//	                                                           a key frame
//
// Units are the source's bytes, except for fields that belong to a file: the sizes of
// Segments and Clusters become unknown, and the length and checksum of a whole FLAC
// file are cleared. A Retitler can also restart a stream with another title, without
// changing a packet: Ogg with a single Vorbis, Opus or FLAC stream, and FLAC.
//
// New is the entry point. It detects the format from the first bytes, because the
// declared type may be wrong (VLC declares application/ogg for MP3).
package format
