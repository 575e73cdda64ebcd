package relay

import "fmt"

// maxMasters bounds the masters that share the places of a node.
const maxMasters = 1024

// Share is the part of the free places, of the bandwidth and of the room of the mounts of a node
// that one of its masters may use. So several masters together send no more listeners than there
// are places for.
type Share struct {
	Of    int  `json:"of"`             // masters that take the reports of the node
	Index int  `json:"index"`          // of this one among them, from 0; the first ones have the remainder
	Wait  bool `json:"wait,omitempty"` // nothing yet: others still have more than their shares
}

// part returns the share of a number; nil stands for all of it.
func (s *Share) part(n int64) int64 {
	switch {
	case s == nil || n <= 0:
		return n
	case s.Wait:
		return 0
	}
	return (n + int64(s.Of-1-s.Index)) / int64(s.Of)
}

// within reports whether a share is of no number larger than another one is.
func (s Share) within(o Share) bool {
	return s.Wait || !o.Wait && s.Of >= o.Of && s.Index >= o.Index
}

func (s *Share) check() error {
	if s != nil && (s.Of < 1 || s.Of > maxMasters || s.Index < 0 || s.Index >= s.Of) {
		return fmt.Errorf("share: %d of %d out of range; expected an index below the number of masters, at most %d", s.Index, s.Of, maxMasters)
	}
	return nil
}
