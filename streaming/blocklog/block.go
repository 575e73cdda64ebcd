package blocklog

import (
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// Block is some units of a stream that arrived together. Nothing but next ever
// changes once a block is in its log, so any number of readers share it.
type Block struct {
	data []byte

	// start reports whether a listener may begin with this block. No block has a start
	// behind its first unit: the log begins a new block there.
	start bool

	// more reports whether the next block continues the unit that this one ends in.
	more bool

	offset uint64        // bytes of the log before data, those of its inits counted wherever they change
	at     time.Duration // sound of the log before data; its clock goes on while nothing sounds
	came   time.Duration // when the first of data came from the source, on the writer's clock; 0: unknown
	meta   *Metadata     // in force while data sounds; never nil
	init   *format.Init  // what a decoder must have been given before data; may be nil

	next atomic.Pointer[Block]
}

// Data returns the bytes of the block, which must not be changed.
func (b *Block) Data() []byte { return b.data }

// Metadata returns the title of the block; it is never nil.
func (b *Block) Metadata() *Metadata { return b.meta }

// Start reports whether a listener may begin with the block.
func (b *Block) Start() bool { return b.start }

// Init returns what a decoder needs before the block; it may be nil.
func (b *Block) Init() *format.Init { return b.init }

// Offset returns how many bytes of the log lie before the block.
func (b *Block) Offset() uint64 { return b.offset }

// End returns the offset after the block's last byte.
func (b *Block) End() uint64 { return b.offset + uint64(len(b.data)) }

// Came returns when the first byte came from the source, on the writer's clock; 0 if that
// is unknown.
func (b *Block) Came() time.Duration { return b.came }

// Next returns the block that follows, nil if it is the newest.
func (b *Block) Next() *Block { return b.next.Load() }

// Before returns an empty block that b follows.
func Before(b *Block) *Block {
	before := &Block{offset: b.offset, meta: NoMetadata}
	before.next.Store(b)
	return before
}
