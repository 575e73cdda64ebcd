// Package hls makes HTTP Live Streaming (RFC 8216 and its second edition) of streams, without
// decoding them: segments and playlists.
//
// A Segmenter takes the packets of a stream (format.Packets) and cuts them into Segments, on a
// grid of the stream's own samples. It owns the time line: stamps go on over every change of
// the source. A List is the window of segments that players see; a Rewind is a long one. A
// Remote is the list of another node, as it is read.
//
// For players of low latency a segment that grows has Parts. They are made beside the segment,
// since each has a tag or boxes of its own.
//
//	codec       container    segment                            init
//	MP3, AAC    packed       an ID3 tag, frames                 none
//	Opus, FLAC  fMP4         emsg for each title, moof, mdat    ftyp, moov
//	MPEG-TS     as it is     PAT, PMT, packets                  none
//
// Everything here is pure: no I/O, no clock, no goroutine. A Segmenter and a List belong to one
// goroutine each; Segments, Inits and Pages do not change.
package hls
