package streaming

import "github.com/caddycast/caddycast/streaming/blocklog"

// Follower hears a mount as its listeners do: through fallbacks, moves, and the time in which a
// source is waited for. It passes the sound on by other means than connections, to listeners
// that Admit counts in. Station.Follow makes one; Close ends it.
type Follower struct {
	mount  *Mount
	group  *listenerGroup
	stream *Stream
	reader blocklog.Reader
}

// Follow returns a follower of what a new listener of the mount at a path hears, from the burst
// on. The error is ErrNothing if that is nothing yet; what would be heard is started then.
func (st *Station) Follow(path string) (*Follower, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closedAt.Load() != nil {
		return nil, ErrClosed
	}
	m := st.mounts[path]
	if m == nil {
		if !st.settings.Load().director().HasFallback(path) {
			return nil, ErrNothing
		}
		m = newMount(st, path)
		st.mounts[path] = m
	}
	defer st.dropIfUnused(m)
	heard, d := st.choose(m, promise{}, "")
	if heard == nil || heard.stream == nil {
		st.prepare(d.StartOnDemand, d.Again)
		return nil, ErrNothing
	}
	st.startCounting(m)
	g := newListenerGroup(m, heard.stream.promise, false, heard, nil)
	g.followed = true
	m.publishFallback()
	_, d = st.choose(m, g.promise, heard.Path) // a better one may have to be started
	st.prepare(d.StartOnDemand, d.Again)
	return &Follower{mount: m, group: g, stream: heard.stream, reader: blocklog.NewReader(g.playing.Load().Feed)}, nil
}

// Close ends the follower, and its listeners.
func (f *Follower) Close() {
	st := f.mount.station
	st.mu.Lock()
	defer st.mu.Unlock()
	if !f.mount.groups[f.group] {
		return // its sound has ended
	}
	f.group.end(SourceEnded)
	st.groupLeft(f.group)
}

// Type returns the content type of the stream as it was when the follower began. What it hears
// is always of the same format.Kind.
func (f *Follower) Type() string { return f.stream.Type }

// Next returns the next block, nil if there is none yet. An empty one is the end of a stretch:
// what follows is of another source. It is for one goroutine.
func (f *Follower) Next() *blocklog.Block { return f.reader.Next() }

// HasEnded reports whether nothing is left to hear, but for what Next returns.
func (f *Follower) HasEnded() bool { return f.group.heard() == nil }

// Feed is where what a follower hears comes from.
type Feed int

// The feeds of a follower.
const (
	FeedNothing Feed = iota // nothing is heard, but may be again
	FeedRelay               // the mount's own source, which is pulled from another server
	FeedHere                // an encoder, or a fallback
)

// Feed returns where what is heard comes from now.
func (f *Follower) Feed() Feed {
	switch heard := f.group.heard(); {
	case heard == nil:
		return FeedNothing
	case heard != f.mount:
		return FeedHere
	}
	switch s := f.mount.Source(); {
	case s == nil:
		return FeedNothing
	case s.Upstream != "":
		return FeedRelay
	}
	return FeedHere
}

// Sent counts bytes that went to listeners.
func (f *Follower) Sent(bytes int) { f.mount.bytesSent.Add(uint64(bytes)) }
