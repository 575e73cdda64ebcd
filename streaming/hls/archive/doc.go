// Package archive stores the segments of a mount in files, for the long list that its listeners
// can go back in.
//
// An Archive is one goroutine with a bounded queue: Add never waits for a disk. What finds the
// queue full, or cannot be written, is left out of the list, as a discontinuity.
//
// Files belong to a span of time and are only ever appended to; a process writes none that it has
// not made. Each has the data in one file, and a line for each segment in another, its index,
// which is written after the data:
//
//	1795935600123.data   inits and segments, one after another
//	1795935600123.index  a line of JSON for the kind of the segments, and one for each segment
//
// The number is when the first segment sounded, in ms since 1970. A process that begins reads the
// indexes. A line that is not whole, whose data are not, or that does not follow the line before it, ends its
// file: so nothing is served that was torn by a crash. A file is removed when its last segment can
// no longer be loaded.
package archive
