package streaming

import (
	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddycast/caddycast/streaming/format"
)

// Tap reads what one source sends, as it stands in the log of its mount: whole units, from
// the source's first one on. Like a listener, it keeps in memory what it has yet to read. It
// is for one goroutine.
type Tap struct {
	source *Source
	block  *blocklog.Block // the last one that was read
}

// Piece is some units that arrived together. It must not be changed.
type Piece struct {
	Data  []byte
	Init  *format.Init // what a decoder must have been given before; may be nil
	Start bool         // a decoder that has the init may begin here
}

// Tap returns a tap of a source that has its mount. If the source has sent for a while, the
// tap begins with the burst of new listeners.
func (s *Source) Tap() *Tap {
	if first := s.first.Load(); first != nil {
		return &Tap{source: s, block: first}
	}
	// Blocks are read one after another, so one before the first is wanted.
	return &Tap{source: s, block: blocklog.Before(s.Mount().log.Join())}
}

// releaseFirst drops the first block, and so all that follows it, once more than most bytes
// have been sent since.
func (s *Source) releaseFirst(most uint64) {
	first := s.first.Load()
	if first != nil && s.Mount().log.Tail().End() > first.End()+most {
		s.first.Store(nil)
	}
}

// Next returns the next piece. It reports false if there is none yet, or, once the source
// has ended, none any more.
func (t *Tap) Next() (Piece, bool) {
	for {
		b := t.block.Next()
		if b == nil || t.source.hasEnded() && b.Offset() >= t.source.to {
			return Piece{}, false
		}
		t.block = b
		if len(b.Data()) > 0 && b.Offset() >= t.source.from {
			return Piece{Data: b.Data(), Init: b.Init(), Start: b.Start()}, true
		}
	}
}

// Behind returns how many bytes are still to be read.
func (t *Tap) Behind() uint64 {
	end := t.source.Mount().log.Tail().End()
	return end - min(end, t.block.End())
}

// Skip passes over all that has been sent so far.
func (t *Tap) Skip() { t.block = t.source.Mount().log.Tail() }

// Ended returns a channel that is closed when the source has given its mount back.
func (s *Source) Ended() <-chan struct{} { return s.ended }

func (s *Source) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}
