package origin

import (
	"slices"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/streaming/hls"
)

// writer is the part of a Mount that makes its list. It belongs to Mount.run.
type writer struct {
	packets   *format.Packets // of what is heard; nil: nothing is
	segmenter *hls.Segmenter  // nil: there is no list
	list      *hls.List
	first     uint64    // sequence number of the list's first segment
	kind      hls.Kind  // of its segments
	before    *hls.Page // the list before it
	droppedAt time.Time // when that is forgotten

	keeper keeper // of the long list; nil: there is none
	broken bool   // what it gets next does not follow what it has

	block *blocklog.Block // whose packets are taken
	epoch time.Time       // the station's clock at 0, on the wall

	mirrored

	silentSince time.Time // when something was last heard
	failedAt    time.Time // when the stream had no carrier; zero: it has one
}

// failureTime is how long a stream without a carrier is not looked at again.
const failureTime = 10 * time.Second

// write takes what has arrived. It begins and ends lists as needed.
func (m *Mount) write(o *Options, now time.Time) {
	m.epoch = now.Round(0).Add(-now.Sub(m.manager.station.Started))
	m.replace(o, now)
	if !m.failedAt.IsZero() {
		if now.Sub(m.failedAt) < failureTime {
			return
		}
		m.failedAt = time.Time{}
		m.show(new(View))
	}
	m.follow()
	discard := m.isMirrored(now)
	if m.packets == nil {
		if m.list != nil && now.Sub(m.silentSince) > graceTime {
			m.endList(now)
		}
		return
	}
	f := m.follower.Load()
	ended := f.HasEnded() // before the last block is read
	if !ended && m.awaitsMirror(now) {
		return
	}
	for b := f.Next(); b != nil && m.packets != nil; b = f.Next() {
		if len(b.Data()) == 0 || discard {
			m.packets.End()
			continue
		}
		m.block, m.silentSince = b, now
		m.packets.Add(b.Data(), b.Init())
		if why := m.packets.Unsupported(); why != "" {
			m.fail(&UnsupportedError{why}, now)
			return
		}
	}
	if ended {
		m.unfollow()
	}
	if m.before != nil && now.After(m.droppedAt) {
		m.before = nil
		m.publish()
	}
}

// follow begins to hear the mount, if there is something to hear.
func (m *Mount) follow() {
	if m.packets != nil {
		return
	}
	f, err := m.manager.station.Follow(m.path)
	if err != nil {
		return
	}
	m.follower.Store(f)
	m.packets = format.NewPackets(f.Type(), m.take)
}

// unfollow ceases to hear the mount. The list stays.
func (m *Mount) unfollow() {
	m.packets.End()
	m.packets = nil
	if f := m.follower.Swap(nil); f != nil {
		f.Close()
	}
}

// take takes a packet of the block.
func (m *Mount) take(p format.Packet) {
	now := time.Now()
	if m.segmenter != nil && !m.fits(p.Codec) {
		m.endList(now)
	}
	if m.segmenter == nil {
		m.beginList(p.Codec, m.epoch.Add(m.block.Came()))
	}
	meta := m.block.Metadata()
	title := hls.Title{Artist: meta.Artist, Name: meta.Title, URL: meta.URL}
	s := m.segmenter.Add(p, title, m.epoch.Add(m.block.Came()))
	if s != nil {
		m.add(s)
	}
	if grown := m.list.Grow(m.segmenter.Hint(), m.segmenter.Growing); grown || s != nil {
		m.publish()
	}
}

// fits reports whether the list may go on with a codec.
func (m *Mount) fits(c *format.Codec) bool {
	return m.segmenter.Fits(c) && (m.last == nil || m.last.MayPrecede(c, &hls.Options{FMP4: m.last.Init != nil}))
}

// add adds a segment to the lists.
func (m *Mount) add(s *hls.Segment) {
	m.list.Add(s)
	m.keep(s)
}

// keep adds a segment to the long list.
func (m *Mount) keep(s *hls.Segment) {
	if m.keeper != nil {
		m.keeper.Add(s.Whole(), m.kind, m.broken)
		m.broken = false
	}
}

// beginList begins another list, of what came since a time.
func (m *Mount) beginList(c *format.Codec, since time.Time) {
	o := m.options.Load()
	options := hls.Options{
		Segment: o.Segment, Part: o.Part, FMP4: o.FMP4, Lead: leastSegments, Key: m.key(), NoTags: o.NoTags,
	}
	var n numbers
	if o.Others != "" {
		options.Grid = m.manager.station.Started.Round(0)
		n = m.manager.gridNumbers(m.path, since, &options)
	} else {
		n = m.manager.firstNumbers(m.path, since)
	}
	options.First = n.sequence
	m.segmenter = hls.NewSegmenter(options)
	m.list = hls.NewList(o.Segment, o.Listed, n.sequence, n.discontinuity)
	if options.HasParts(c) {
		m.list.LowLatency(o.Part)
	}
	m.first, m.kind, m.broken = n.sequence, hls.NewKind(&options, c), true
}

// key returns what names of segments are made from.
func (m *Mount) key() []byte { return slices.Concat(m.manager.key(), []byte(m.path)) }

// endList completes the list: nothing follows in it.
func (m *Mount) endList(now time.Time) {
	m.closeSegment()
	m.list.End()
	m.remote = nil // its text has no end
	m.publish()
	m.leaveList(now)
}

// closeSegment adds what there is of the open segment, unless that is too short to be one.
func (m *Mount) closeSegment() {
	if m.segmenter == nil {
		return
	}
	if s := m.segmenter.Flush(); s != nil {
		m.add(s)
	}
}

// leaveList makes another list begin with the next packet. The files of this one stay for a
// while.
func (m *Mount) leaveList(now time.Time) {
	if m.view.Load().Page != nil {
		m.before, m.droppedAt = m.view.Load().Page, now.Add(m.options.Load().idleTime())
	}
	m.noteNumbers()
	m.segmenter, m.list, m.remote, m.last = nil, nil, nil, nil
}

// noteNumbers keeps the numbers that the next list begins with. One is left out, so that players
// do not take its first segment for the next one of this list.
func (m *Mount) noteNumbers() {
	if m.list != nil {
		m.manager.noteNumbers(m.path, numbers{m.list.Next() + 1, m.list.Last() + 1})
	}
}

// publish shows the list, if it is long enough.
func (m *Mount) publish() {
	if m.list == nil {
		v := *m.View()
		v.before = m.before
		m.show(&v)
		return
	}
	page := m.list.Page()
	page.Form = m.form()
	if len(page.Segments) == 0 || len(page.Segments) < leastSegments && !page.Ended {
		return
	}
	if m.remote != nil {
		page.Quote(m.remote.Text)
	} else {
		m.manager.noteUsed(m.list.Last())
	}
	m.show(&View{Page: page, first: m.first, before: m.before})
}

// replace takes other options. Segments or parts of another length are another list, since the
// longest lengths of a list must not change.
func (m *Mount) replace(o *Options, now time.Time) {
	before := m.options.Load()
	if *o == *before {
		return
	}
	if m.list != nil && m.remote == nil {
		if o.Segment != before.Segment || o.Part != before.Part || (o.Others == "") != (before.Others == "") || o.FMP4 != before.FMP4 {
			m.closeSegment()
			m.publish() // players hear that while the next list is too short to be shown
			m.leaveList(now)
		} else {
			m.list.Show(o.Listed)
			m.segmenter.SetTags(!o.NoTags)
		}
	}
	m.replaceKeeper(o, before)
	m.options.Store(o)
}

// fail shows that the stream has no carrier.
func (m *Mount) fail(err error, now time.Time) {
	m.failedAt = now
	if m.list != nil {
		m.endList(now)
	}
	m.unfollow()
	m.show(&View{err: err, before: m.before})
}
