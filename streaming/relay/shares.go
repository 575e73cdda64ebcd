package relay

import (
	"errors"
	"sync"
	"time"
)

// shares divide the free places of a node among the masters that take its reports. A master counts
// as long as its last report counts there, so that one that is down has no share for long. A share
// grows only when the masters whose shares shrink for that have taken reports with those.
type shares struct {
	mu      sync.Mutex
	now     func() time.Time
	masters []masterShare // of the watchers, in their order
}

// masterShare is the share of one master.
type masterShare struct {
	told  Share     // the largest that the master may use
	until time.Time // when its last report counts no more
}

func newShares(masters int) *shares {
	return &shares{now: time.Now, masters: make([]masterShare, masters)}
}

// begin returns the share for a report to a master, which end must be called for; nil: all. The
// report counts for a time.
func (s *shares) begin(i int, counts time.Duration) (_ *Share, end func(error)) {
	if len(s.masters) < 2 {
		return nil, func(error) {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	m := &s.masters[i]
	before := *m
	next := s.next(i, now)
	if !next.within(s.told(i, now)) { // it may be used from now on
		*m = masterShare{next, now.Add(reportTimeout + counts)}
	}
	return &next, func(err error) { s.end(i, before, next, counts, err) }
}

// end takes the result of a report.
func (s *shares) end(i int, before masterShare, sent Share, counts time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	m := &s.masters[i]
	switch {
	case err == nil:
		*m = masterShare{sent, now.Add(counts)}
	case errors.As(err, new(refusal)) || errors.Is(err, errAnotherSequence):
		*m = before // the master has not taken it
	case !s.told(i, now).Wait:
		m.until = now.Add(counts) // it may have
	}
}

// told returns the share that a master uses at most. mu is held.
func (s *shares) told(i int, now time.Time) Share {
	if m := &s.masters[i]; now.Before(m.until) {
		return m.told
	}
	return Share{Wait: true}
}

// due returns the share that a master is to have if another one has reports from now on. mu is
// held.
func (s *shares) due(i, with int, now time.Time) Share {
	var d Share
	for j := range s.masters {
		if j != i && j != with && !now.Before(s.masters[j].until) {
			continue
		}
		d.Of++
		if j < i {
			d.Index++
		}
	}
	return d
}

// next returns the share that a master may be told. mu is held.
func (s *shares) next(i int, now time.Time) Share {
	due, told := s.due(i, i, now), s.told(i, now)
	switch {
	case due.within(told):
		return due
	case !told.within(due):
		due.Wait = true // it is neither larger nor smaller; at first nothing
		return due
	}
	for j := range s.masters {
		if j != i && !s.told(j, now).within(s.due(j, i, now)) {
			if told.Wait {
				due.Wait = true
				return due
			}
			return told
		}
	}
	return due
}

// changing returns the masters whose next report has another share.
func (s *shares) changing() (all []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for i := range s.masters {
		told, next := s.told(i, now), s.next(i, now)
		if now.Before(s.masters[i].until) && next != told && (!next.Wait || !told.Wait) {
			all = append(all, i)
		}
	}
	return all
}

// inherit takes over the share of a master of other shares.
func (s *shares) inherit(i int, o *shares, j int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.masters[i] = o.masters[j]
}
