package recording

import "time"

// Sync selects when files are synced to the disk.
type Sync uint8

// When files are synced.
const (
	SyncAtEnd Sync = iota // before a file gets its name
	SyncNever             // the system decides
)

// Options configure the recordings of a mount. They do not change.
type Options struct {
	Pattern   Pattern
	Every     time.Duration // begin a file at each multiple of it, by local time; 0: never
	Size      int64         // begin a file after this many bytes; 0: never
	Sync      Sync
	SyncEvery time.Duration // also sync a file in progress; 0: never
}
