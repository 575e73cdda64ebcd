package cluster

import (
	"fmt"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/hls"
	"github.com/caddycast/caddycast/tests/harness"
)

// hlsSegment is a segment as a player hears it.
type hlsSegment struct {
	*hls.Segment
	data   []byte
	source uint64 // of its last frame
}

// mirrored reports whether the segment is the master's.
func (s hlsSegment) mirrored(t testing.TB, master *harness.Server) bool {
	for _, own := range listHLS(t, master, "/live.mp3", "").Segments {
		if own.Name == s.Name {
			return true
		}
	}
	return false
}

// playerHLS plays a playlist by the numbers of its segments.
type playerHLS struct {
	t     testing.TB
	s     *harness.Server
	mount string
	query string // of the list: the session; empty: that of the test

	next         uint64
	marks, jumps int
	frame        uint64 // of a source, that was heard last
	missing      uint64 // frames of one source that were left out
}

// until plays until a condition holds for the segment that was heard last.
func (p *playerHLS) until(what string, holds func(last hlsSegment) bool) {
	p.t.Helper()
	harness.Eventually(p.t, "the player hears "+what, func() error {
		r := listHLS(p.t, p.s, p.mount, p.query)
		switch {
		case p.next == 0:
			p.next = r.Sequence
		case r.Next() < p.next:
			p.t.Fatalf("the list ends at %d, and %d was heard", r.Next(), p.next)
		case r.Sequence > p.next:
			p.jumps++
			p.next = r.Sequence
		}
		if p.next == r.Next() {
			return fmt.Errorf("nothing is after %d", p.next)
		}
		next := r.Segments[p.next-r.Sequence]
		heard := hlsSegment{Segment: next, data: loadHLS(p.t, p.s, p.mount+".hls/"+next.Name)}
		p.next++
		if next.Discontinuity {
			p.marks++
		}
		for _, f := range harness.Frames(p.t, heard.data[10+int(heard.data[8])<<7+int(heard.data[9]):], numbered.ContentType) {
			if n, ok := numbered.Frame(f); ok {
				heard.source = n / harness.SourceSpan
				p.hear(n)
			}
		}
		if !holds(heard) {
			return fmt.Errorf("segment %d is of source %d", next.Sequence, heard.source)
		}
		return nil
	})
}

// hear hears a frame. None comes twice.
func (p *playerHLS) hear(n uint64) {
	p.t.Helper()
	if same := n/harness.SourceSpan == p.frame/harness.SourceSpan; same && n <= p.frame {
		p.t.Fatalf("after frame %d of source %d comes %d, in segment %d", p.frame%harness.SourceSpan, p.frame/harness.SourceSpan, n%harness.SourceSpan, p.next-1)
	} else if same {
		p.missing += n - p.frame - 1
	}
	p.frame = n
}
