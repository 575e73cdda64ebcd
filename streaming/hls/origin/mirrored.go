package origin

import (
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls"
)

// mirrored is the part of a writer whose list is that of another node.
type mirrored struct {
	mirror   *mirror      // nil: there is none now
	mirrorAt time.Time    // when another one may begin
	gaveUp   bool         // a mirror of what is heard has ended without a list: sound is not held for the next
	holds    time.Time    // until when a list of this node stands still for that of the other
	remote   *hls.Remote  // the list that is shown; nil: it is one of this node
	last     *hls.Segment // of the other node, which a list of this node goes on from; may be nil
	kept     uint64       // number of the last segment that the keeper has
}

// isMirrored decides whether the mount is mirrored now: while what is heard comes from another node. If
// nothing is heard it stays as it is.
func (m *Mount) isMirrored(now time.Time) bool {
	f := m.follower.Load()
	if f == nil || m.manager.fetch == nil {
		return m.remote != nil
	}
	switch f.Feed() {
	case streaming.FeedHere:
		m.stopMirror()
		m.gaveUp = false
		m.goOn()
	case streaming.FeedRelay:
		if m.mirror == nil && !now.Before(m.mirrorAt) {
			m.startMirror(now)
		}
	}
	return m.remote != nil
}

// mostAhead is how many segments a list of this node may be ahead of the other node's to stand still
// until that is as far: both grow at one pace.
const mostAhead = 3

// awaitsMirror reports whether the next list may be that of the other node, so that there is none yet, or
// one that stands still: the other list begins with what is heard now, and players would hear that twice. What is
// heard is taken later, so that a list of this node has it if the other does not come.
func (m *Mount) awaitsMirror(now time.Time) bool {
	switch {
	case m.mirror == nil:
		return false
	case now.Before(m.holds):
		return true
	}
	return (m.list == nil || m.remote == nil && !m.gaveUp) && now.Sub(m.mirror.since) < mirrorBegin
}

// takeUpdate takes what a mirror has loaded, or its end.
func (m *Mount) takeUpdate(r *hls.Remote, open bool, now time.Time) {
	if open {
		m.takeRemote(r, now)
		return
	}
	m.stopMirror()
	m.mirrorAt, m.gaveUp = now.Add(mirrorRetry), true
	if f := m.follower.Load(); f != nil && f.Feed() == streaming.FeedRelay { // it has no list any more
		m.goOn()
	}
}

// takeRemote shows a list of the other node. A list of this node is left for it only if numbers do
// not fall by that.
func (m *Mount) takeRemote(r *hls.Remote, now time.Time) {
	if len(r.Segments) == 0 {
		return
	}
	if m.remote == nil && m.list != nil && r.Next() < m.list.Next() {
		if m.list.Next()-r.Next() <= mostAhead {
			m.holds = now.Add(2 * r.Length())
		}
		return
	}
	m.holds = time.Time{}
	if m.list != nil && (m.remote == nil || !m.list.Follow(r)) {
		m.kept = max(m.kept, m.list.Next()-1)
		m.leaveList(now)
	}
	if m.list == nil {
		m.list, m.first = r.NewList(), r.Sequence
		m.kind, m.broken = r.Kind(), true
	}
	for _, s := range r.Segments {
		if s.Sequence > m.kept {
			m.keep(s)
			m.kept = s.Sequence
		}
	}
	m.remote, m.silentSince = r, now
	m.publish()
	if r.Ended {
		m.leaveList(now)
	}
}

// goOn makes this node cut what is heard from now on, where the list of the other node ends: with the
// next number, and at the next sample, so that players can go back to the list of the other node by
// its numbers.
func (m *Mount) goOn() {
	r := m.remote
	m.remote = nil
	if r == nil || m.list == nil {
		return
	}
	m.last = r.Segments[len(r.Segments)-1]
	m.segmenter = hls.NewSegmenter(m.last.GoOn(hls.Options{Segment: r.Length(), Part: r.Part, First: m.list.Next(), Key: m.key()}))
	m.list.Grow("", func() *hls.Segment { return nil })
	m.publish()
}
