// Package recording writes the streams of sources to files.
//
// A Manager follows the changes of its station and has a recorder for each source whose
// mount is to be recorded. A recorder is one goroutine. It reads the log of the mount as a
// listener does, so a slow disk delays neither source nor listeners: what waits for the disk
// is bounded, the rest is skipped, and the next file begins with new data.
//
// Files consist of whole units and begin with the decoder's initialization. The name of an
// incomplete file ends in ".part"; the file gets its own name when it is complete. No
// existing file is ever overwritten.
//
// Any goroutine may call a Manager. Close ends all recorders and waits until their files are
// complete.
package recording
