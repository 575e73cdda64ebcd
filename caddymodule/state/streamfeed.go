package state

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming/relay"
)

const (
	// listGather is how long changes are gathered.
	listGather = 100 * time.Millisecond

	// followerGroups is how many groups of slaves are woken one after the other, with a pause of
	// groupPause. Few groups cost less: a group shares what it costs to wake the process.
	followerGroups = 8
	groupPause     = 12 * time.Millisecond

	// maxListFollowers bounds the slaves that follow the list of a station, maxRelayFollowers those
	// with the relay password, and maxOwnFollowers those with one credential of their own.
	maxListFollowers, maxRelayFollowers, maxOwnFollowers = 2000, 1000, 32
)

// streamFeed wakes the followers of a list. One goroutine gathers the changes for all of them;
// it runs while there are followers.
type streamFeed struct {
	mu        sync.Mutex
	epoch     string // names the versions of this process
	followers int
	counts    map[string]int                // followers, by the names of credentials
	entered   int                           // ever
	updated   [followerGroups]chan struct{} // closed with the next version, by groups
	touched   chan struct{}                 // closed when something may have changed for a slave that is also a master
	stop      chan struct{}                 // ends the gathering
	stopped   chan struct{}

	writtenAt uint64            // the version that the texts lead to
	written   map[uint64]string // events, by the version that a follower has
}

// StreamFollower follows the list for one slave. One goroutine uses it.
type StreamFollower struct {
	g     *Generation
	by    string // name of the credential
	node  string
	group int
	known uint64 // version that the slave has; 0: none
	began bool   // an event was sent
	sent  string // tag of the list that was sent to a slave that is also a master
}

// FollowStreams returns a follower of the list for the slave with a node id that has logged in
// with a credential, nil for the administrator's; or false if there are too many. last is the id
// of the last event that the slave got. Close must be called.
func (g *Generation) FollowStreams(by *relay.Credential, node, last string) (*StreamFollower, bool) {
	name, most := "", maxRelayFollowers
	if by != nil && by.Name != "" {
		name, most = by.Name, maxOwnFollowers
	}
	f := &g.streams.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.followers >= maxListFollowers || f.counts[name] >= most {
		return nil, false
	}
	if f.epoch == "" {
		var id [6]byte
		_, _ = rand.Read(id[:]) // it never fails
		f.epoch = hex.EncodeToString(id[:])
	}
	follower := &StreamFollower{g: g, by: name, node: node, group: f.entered % followerGroups}
	if epoch, version, ok := strings.Cut(last, "-"); ok && epoch == f.epoch {
		follower.known, _ = strconv.ParseUint(version, 10, 64) // 0: none
	}
	if f.followers == 0 {
		for i := range f.updated {
			f.updated[i] = make(chan struct{})
		}
		f.touched = make(chan struct{})
		f.stop, f.stopped = make(chan struct{}), make(chan struct{})
		go g.gather(f.stop, f.stopped) // Close of the last follower ends it, and waits
	}
	f.count(name, 1)
	f.entered++
	return follower, true
}

// Close ends the following.
func (l *StreamFollower) Close() {
	f := &l.g.streams.feed
	f.mu.Lock()
	f.count(l.by, -1)
	last, stop, stopped := f.followers == 0, f.stop, f.stopped
	f.mu.Unlock()
	if last {
		close(stop)
		<-stopped
	}
}

// count counts followers. mu is held.
func (f *streamFeed) count(credential string, n int) {
	if f.counts == nil {
		f.counts = make(map[string]int)
	}
	f.followers += n
	if f.counts[credential] += n; f.counts[credential] == 0 {
		delete(f.counts, credential)
	}
}

// Updated returns a channel that is closed when Next has something that can't wait for the next sign of
// life. It must be called before Next.
func (l *StreamFollower) Updated() <-chan struct{} {
	f := &l.g.streams.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.g.relays.PullsFrom(l.node) {
		return f.touched
	}
	return f.updated[l.group]
}

// gather updates the list after each change, at most once in listGather.
func (g *Generation) gather(stop <-chan struct{}, stopped chan<- struct{}) {
	defer close(stopped)
	sweep := time.NewTicker(listSweep)
	defer sweep.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	wait := func(d time.Duration) bool {
		pause.Reset(d)
		select {
		case <-pause.C:
			return true
		case <-stop:
			return false
		}
	}
	for version := uint64(0); ; {
		changed := g.Changed()
		latest := g.streams.current(g).version
		g.streams.feed.touch()
		urgent := latest != version && g.streams.isUrgent(version, latest)
		for i := 0; urgent && i < followerGroups; i++ {
			g.streams.feed.wake(i)
			if !wait(groupPause) {
				return
			}
		}
		version = latest
		select {
		case <-changed:
		case <-sweep.C:
		case <-stop:
			return
		}
		if !wait(listGather) {
			return
		}
	}
}

// wake wakes a group of followers.
func (f *streamFeed) wake(group int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.updated[group])
	f.updated[group] = make(chan struct{})
}

// touch wakes the followers that are masters of this station, too.
func (f *streamFeed) touch() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.touched)
	f.touched = make(chan struct{})
}

// Next returns the event with what the slave does not have yet, and that it is assumed to have
// from then on; empty: it has everything. The first event is never empty, since a slave reports
// after that.
func (l *StreamFollower) Next() string {
	g := l.g
	if g.relays.PullsFrom(l.node) {
		text, tag := g.StreamListFor(l.node, true)
		if tag == l.sent {
			return ""
		}
		l.known, l.sent = 0, tag
		return event("list", "", strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n"))
	}
	l.sent = ""
	text, version := g.streams.eventSince(l.known, !l.began, g)
	l.known, l.began = version, true
	return text
}

// eventSince returns the event that leads from a version to the current one. It is made once
// for all followers with that version. Without a change there is none, unless it is the first one.
func (s *streams) eventSince(version uint64, first bool, g *Generation) (text string, now uint64) {
	list := s.current(g)
	if version == list.version && !first {
		return "", version
	}
	f := &s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writtenAt != list.version {
		f.writtenAt, f.written = list.version, make(map[uint64]string)
	}
	if text, ok := f.written[version]; ok {
		return text, list.version
	}
	id := f.epoch + "-" + strconv.FormatUint(list.version, 10)
	s.mu.Lock()
	lines, ok := s.between(version, list.version)
	s.mu.Unlock()
	if ok {
		f.written[version] = event("changes", id, lines)
		return f.written[version], list.version
	}
	if f.written[0] == "" { // one for all other versions, which a slave may make up
		f.written[0] = event("list", id, strings.Split(strings.TrimSuffix(list.marked().text, "\r\n"), "\r\n"))
	}
	return f.written[0], list.version
}

// event writes a server-sent event. An event without data would be ignored by the specification;
// the first line is a comment of the list.
func event(name, id string, lines []string) string {
	var b strings.Builder
	b.WriteString("event: " + name + "\n")
	if id != "" {
		b.WriteString("id: " + id + "\n")
	}
	b.WriteString("data: #\n")
	for _, line := range lines {
		if line != "" {
			b.WriteString("data: " + line + "\n")
		}
	}
	b.WriteString("\n")
	return b.String()
}
