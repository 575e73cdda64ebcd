package auth

import (
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming"
)

// quotaUser is the kind of the places that the listeners of a user take.
const quotaUser = "user"

// Sessions counts listeners by keys, such as users. It outlives the configurations, and may be
// used from any goroutine.
type Sessions struct {
	mu    sync.Mutex
	count map[string]int
	most  map[string]int  // the limits that count was compared with
	quota streaming.Quota // of several stations; nil: there is none
}

// Share makes the limits those of several stations; nil: they are those of this one alone.
func (s *Sessions) Share(q streaming.Quota) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quota = q; q == nil {
		return
	}
	for key, n := range s.count {
		q.Add(quotaUser, key, n, s.most[key])
	}
}

// Begin counts one more listener of a key, unless there are most already; 0 is no limit. end
// must be called once; its form is that of streaming.Admission.OnEnd. It may wait for other stations.
func (s *Sessions) Begin(key string, most int) (end func(time.Duration), ok bool) {
	s.mu.Lock()
	quota := s.quota
	s.mu.Unlock()
	if quota != nil && !quota.Take(quotaUser, key, most) {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if most > 0 && s.count[key] >= most {
		if quota != nil {
			quota.Return(quotaUser, key)
		}
		return nil, false
	}
	if quota != s.quota { // it has come or gone since
		if quota != nil {
			quota.Return(quotaUser, key)
		}
		if s.quota != nil {
			s.quota.Add(quotaUser, key, 1, most)
		}
	}
	return s.enter(key, most), true
}

// Adopt counts one more listener of a key, however many there are.
func (s *Sessions) Adopt(key string, most int) (end func(time.Duration)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quota != nil {
		s.quota.Add(quotaUser, key, 1, most)
	}
	return s.enter(key, most)
}

// enter counts one more listener of a key. mu is held.
func (s *Sessions) enter(key string, most int) (end func(time.Duration)) {
	if s.count == nil {
		s.count, s.most = make(map[string]int), make(map[string]int)
	}
	s.count[key]++
	s.most[key] = most
	return func(time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.quota != nil {
			s.quota.Return(quotaUser, key)
		}
		if s.count[key]--; s.count[key] == 0 {
			delete(s.count, key)
			delete(s.most, key)
		}
	}
}
