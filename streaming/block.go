package streaming

import (
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// Block is some units of a stream that arrived together. Nothing but next ever
// changes once a block is in its log, so any number of readers share it.
type Block struct {
	data []byte

	// start tells that a listener may begin with this block. A block in which
	// only a later unit is a start does not exist: the log begins a new one.
	start bool

	// more tells that the next block goes on with the unit that this one ends in.
	more bool

	offset uint64        // bytes of the log before data, those of its inits counted wherever they change
	at     time.Duration // sound of the log before data; its clock goes on while nothing sounds
	came   time.Duration // when the first of data came from the source, on the station's clock; 0: nothing did
	meta   *Metadata     // in force while data sounds; never nil
	init   *format.Init  // what a decoder must have been given before data; may be nil

	next atomic.Pointer[Block]
}

// end returns the offset after the block's last byte.
func (b *Block) end() uint64 { return b.offset + uint64(len(b.data)) }
