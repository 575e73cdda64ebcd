package blocklog

// Reader reads what a group of listeners hears, block by block. It is for one goroutine.
type Reader struct {
	feed  *Feed
	block *Block // the last one that was read
	seek  bool   // blocks that are no start are passed over
}

// NewReader returns a reader that begins as new listeners of a feed do: with the burst.
func NewReader(f *Feed) Reader { return Reader{feed: f, block: Before(f.begin()), seek: true} }

// Next returns the next block, nil if there is none yet. An empty one ends a stretch: the sound
// after it is of another source, or of another log.
func (r *Reader) Next() *Block {
	for {
		if r.feed.over(r.block) {
			r.feed = r.feed.newest()
			if entry, off := r.feed.entry(); off == 0 {
				r.block = Before(entry)
			} else {
				r.block = entry
			}
			r.seek = true
			return seam
		}
		next := r.block.next.Load()
		if next == nil {
			return nil
		}
		r.block = next
		if r.seek && !next.start && len(next.data) > 0 {
			continue
		}
		r.seek = r.seek && len(next.data) == 0
		return next
	}
}

// seam is an empty block between two logs.
var seam = &Block{meta: NoMetadata}
