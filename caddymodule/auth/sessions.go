package auth

import (
	"sync"
	"time"
)

// Sessions counts listeners by keys, such as users. It outlives the configurations, and may be
// used from any goroutine.
type Sessions struct {
	mu    sync.Mutex
	count map[string]int
}

// Begin counts one more listener of a key, unless there are most already; 0 is no limit. end
// must be called once; its form is that of streaming.Admission.OnEnd.
func (s *Sessions) Begin(key string, most int) (end func(time.Duration), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if most > 0 && s.count[key] >= most {
		return nil, false
	}
	if s.count == nil {
		s.count = make(map[string]int)
	}
	s.count[key]++
	return func(time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.count[key]--; s.count[key] == 0 {
			delete(s.count, key)
		}
	}, true
}
