package streaming

import (
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// The gate of a source. It is busy while what was read is appended, and shut while the station is
// held.
const (
	gateOpen int32 = iota
	gateBusy
	gateShut
)

// enter waits until the source may append. It reports false if the source is to end.
func (s *Source) enter() bool {
	for !s.gate.CompareAndSwap(gateOpen, gateBusy) {
		h := s.holder.Load()
		if h == nil {
			continue // it is being opened
		}
		select {
		case <-h.decided:
		case <-s.halt:
			return false
		}
	}
	return true
}

// leave ends what enter began.
func (s *Source) leave() { s.gate.CompareAndSwap(gateBusy, gateOpen) }

// shut keeps the source from appending, from the end of a unit on if that comes soon.
func (s *Source) shut() {
	last := time.Now().Add(unitTime)
	for {
		if s.gate.CompareAndSwap(gateOpen, gateShut) {
			if s.Mount().log.IsWhole() || time.Now().After(last) {
				return
			}
			s.gate.Store(gateOpen)
		}
		time.Sleep(time.Millisecond)
	}
}

// open lets the source append, or pass on, again.
func (s *Source) open() {
	s.gate.Store(gateOpen)
}

// pass gives a unit to the process that has the mount.
func (s *Source) pass(u format.Unit) {
	if s.Reason() != Running {
		return
	}
	var err error
	if u.Init.IsDue(s.init) {
		_, err = s.out.Write(u.Init.Data)
	}
	s.init = u.Init
	if err == nil {
		_, err = s.out.Write(u.Data)
	}
	if err != nil { // it was removed there, or another one has its mount
		s.Stop(Replaced)
	}
}

// IsHandedOver reports whether another process has the mount of the source.
func (s *Source) IsHandedOver() bool { return s.Mount().station.IsHandedOver() }

// IsHandedOver reports whether another process has the streams of the station.
func (st *Station) IsHandedOver() bool {
	h := st.handover.Load()
	return h != nil && h.committed.Load()
}
