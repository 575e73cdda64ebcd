package state

import (
	"crypto/rand"
	"maps"
	"sync"
	"time"
)

// maxRemoteListeners bounds the listeners of slaves that a master has admitted and whose ends
// it awaits, maxNodeListeners those of one slave, so that none takes the places of all others.
const (
	maxRemoteListeners = 200000
	maxNodeListeners   = maxRemoteListeners / 4
)

// RemoteListeners are listeners at slaves whom this station, as their master, has admitted. It
// outlives the configurations, and may be used from any goroutine.
type RemoteListeners struct {
	mu     sync.Mutex
	byNode map[string]map[string]remoteListener // by session
	count  int
	closed bool
}

type remoteListener struct {
	end   func(heard time.Duration)
	since time.Time
}

// Begin counts a listener of a slave in. end is called once, with the time that it has
// listened. It returns the name of the session; ok is false if there are too many.
func (l *RemoteListeners) Begin(node string, end func(time.Duration)) (session string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.count >= maxRemoteListeners || len(l.byNode[node]) >= maxNodeListeners {
		return "", false
	}
	if l.byNode == nil {
		l.byNode = make(map[string]map[string]remoteListener)
	}
	if l.byNode[node] == nil {
		l.byNode[node] = make(map[string]remoteListener)
	}
	session = rand.Text()
	l.byNode[node][session] = remoteListener{end, time.Now()}
	l.count++
	return session, true
}

// End ends a session of a slave. One that is unknown, or that of another slave, is ignored.
func (l *RemoteListeners) End(node, session string, heard time.Duration) {
	l.mu.Lock()
	one, ok := l.byNode[node][session]
	if ok {
		delete(l.byNode[node], session)
		l.count--
	}
	if len(l.byNode[node]) == 0 {
		delete(l.byNode, node)
	}
	l.mu.Unlock()
	if ok {
		one.end(max(0, min(heard, time.Since(one.since)+time.Minute))) // as the slave says, within reason
	}
}

// EndNode ends all sessions of a slave that has left.
func (l *RemoteListeners) EndNode(node string) {
	l.mu.Lock()
	all := l.byNode[node]
	delete(l.byNode, node)
	l.count -= len(all)
	l.mu.Unlock()
	for _, one := range all {
		one.end(time.Since(one.since))
	}
}

// Close ends all sessions. Later ones do not begin.
func (l *RemoteListeners) Close() {
	l.mu.Lock()
	l.closed = true
	nodes := maps.Clone(l.byNode)
	l.mu.Unlock()
	for node := range nodes {
		l.EndNode(node)
	}
}
