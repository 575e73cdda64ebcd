package recording

import "time"

// Event announces a change of a recording.
type Event struct {
	Kind     Kind
	Mount    string
	File     string        // its name once it is complete
	Bytes    int64         // in the file; of Behind: skipped
	Duration time.Duration // since the file was begun
	Err      error         // of Failed
}

// Kind is the kind of an Event.
type Kind uint8

// The kinds of events.
const (
	Started Kind = iota // a file has its first bytes
	Ended               // a file is complete
	Failed              // a file could not be written; it keeps the name of an incomplete one
	Behind              // the disk was too slow, and part of the stream was skipped
)
