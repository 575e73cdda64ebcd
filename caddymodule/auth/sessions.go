package auth

import (
	"sync"
	"time"
)

// Sessions counts who listens, by any key.
type Sessions struct {
	mu    sync.Mutex
	count map[string]int
}

// Begin counts one more, unless there are so many already; 0 is no limit. Its end is to
// be told.
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
