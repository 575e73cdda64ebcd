package streaming

import "time"

// watchStep is how often a source is checked.
const watchStep = time.Second

// startWatch makes watch be called from now on.
func (s *Source) startWatch() {
	s.watching.Lock()
	defer s.watching.Unlock()
	s.watched = true
	s.timer = time.AfterFunc(min(s.silenceLimit(), watchStep), s.watch)
}

// stopWatch ends that. A call that is under way does not arm the timer again.
func (s *Source) stopWatch() {
	s.watching.Lock()
	defer s.watching.Unlock()
	s.watched = false
	s.timer.Stop()
}

// watchAgain arms the timer, unless Run has ended.
func (s *Source) watchAgain(after time.Duration) {
	s.watching.Lock()
	defer s.watching.Unlock()
	if s.watched {
		s.timer.Reset(after)
	}
}

// sounded notes that sound has come.
func (s *Source) sounded(now time.Time) {
	at := int64(now.Sub(s.Mount().station.Started))
	last := s.lastSound.Swap(at)
	if s.Pauses != nil {
		s.Pauses.Note(time.Duration(at-last), now)
	}
}

// silenceLimit returns the silence after which the source is gone.
func (s *Source) silenceLimit() time.Duration {
	return s.Pauses.limit(s.Mount().Settings().SourceTimeout)
}

// LastSound returns when sound last came.
func (s *Source) LastSound() time.Time {
	return s.Mount().station.Started.Add(time.Duration(s.lastSound.Load()))
}

// watch checks, in steps, whether the source has been silent for too long: a timeout that
// gets shorter must hold for it as well.
func (s *Source) watch() {
	limit := s.silenceLimit()
	now := time.Now()
	silent := now.Sub(s.Mount().station.Started) - time.Duration(s.lastSound.Load())
	if s.paced.Load() {
		silent = 0
	}
	if silent >= limit {
		s.Stop(TimedOut)
		return
	}
	if now.Sub(s.Since) >= watchStep {
		s.releaseFirst(0)
	}
	s.setReadBatch(now)
	s.watchAgain(min(limit-silent, watchStep))
}
