// Package blocklog is the memory of one stream: an append-only list of immutable
// blocks, and the places in it.
//
// A Log is written by one goroutine, unit by unit (package format). Any number of Cursors
// read it, each owned by one goroutine, without locks and without counting references: a
// block lives as long as a cursor can still reach it. A Feed is a stretch of a log that a
// group of listeners hears; feeds are a list, too, and lead each cursor to the next log at
// the end of a unit. A Reader reads them block by block. An Intro is played before the first feed. Ending and Resumption find
// the place where a relayed stream continues after a break.
//
// Read block, log, cursor, feed, in this order. The methods of Log that append are for its
// writer, those of Cursor for its owner; everything else may be called from any goroutine.
// Nothing here blocks, starts a goroutine, reads a clock or does I/O.
package blocklog
