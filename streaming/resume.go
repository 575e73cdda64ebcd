package streaming

import (
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddycast/caddycast/streaming/format"
)

// resume holds back what listeners may have heard already: see blocklog.Resumption.
func (s *Source) resume(u format.Unit) {
	r := s.resumption
	switch r.Look(u, time.Now()) {
	case blocklog.Resumed:
		s.resumption = nil
		s.adoptInit(r)
		s.Mount().ending.SetInit(s.replaceInit(u).Init)
		s.firstUnit()
	case blocklog.Different:
		s.beginAnew()
	case blocklog.Undecided:
	}
}

// beginAnew ends the search: another stream has come, or too much of this one was missed.
func (s *Source) beginAnew() {
	r := s.resumption
	s.resumption = nil
	m := s.Mount()
	units, continues := r.Unheard()
	if continues {
		s.adoptInit(r)
	} else {
		if !s.titled {
			m.meta.Store(blocklog.NoMetadata) // it was the title of the stream before
		}
		m.log.Cut(m.meta.Load())
	}
	for _, u := range units {
		s.add(u)
	}
}

// adoptInit makes the new stream's init the one that listeners have, if it is the same.
func (s *Source) adoptInit(r *blocklog.Resumption) {
	if held, have, ok := r.SameInit(); ok {
		s.newInit, s.ownInit = held, have
	}
}

// replaceInit lets a stream that continues keep the init that its listeners have.
func (s *Source) replaceInit(u format.Unit) format.Unit {
	if s.newInit != nil && u.Init == s.newInit {
		u.Init = s.ownInit
	}
	return u
}
