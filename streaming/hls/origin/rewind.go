package origin

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddycast/caddycast/streaming/hls"
	"github.com/caddycast/caddycast/streaming/hls/archive"
)

// keeper keeps the segments of a mount for its long list, and shows that. No call blocks.
type keeper interface {
	// Add adds a segment. broken reports whether it does not follow the one before.
	Add(s *hls.Segment, k hls.Kind, broken bool)
	Keep(length time.Duration)
	Close()
}

// memory is a keeper without files.
type memory struct {
	length time.Duration
	least  uint64 // number of a discontinuity
	rewind *hls.Rewind
	show   func(page *hls.Page, begins bool)
}

// maxMemory bounds the segments that a mount keeps in memory, in bytes.
const maxMemory = 512 << 20

func (k *memory) Keep(length time.Duration) { k.length = length }
func (k *memory) Close()                    {}

func (k *memory) Add(s *hls.Segment, kind hls.Kind, broken bool) {
	begins := k.rewind == nil || k.rewind.Kind != kind
	if begins {
		if k.rewind != nil {
			k.rewind.End()
			k.show(k.rewind.Page(), false)
		}
		k.rewind = k.rewind.After(kind, k.length, s, k.least)
	}
	if broken && !begins && !s.Discontinuity {
		marked := *s
		marked.Discontinuity = true
		s = &marked
	}
	k.rewind.Keep(k.length)
	k.rewind.Add(s)
	k.rewind.Bound(maxMemory)
	k.show(k.rewind.Page(), begins)
}

// openKeeper begins to keep segments by the options, if they have a long list.
func (m *Mount) openKeeper(o *Options) {
	m.mu.Lock()
	m.keeping++
	mine := m.keeping
	m.mu.Unlock()
	show := func(page *hls.Page, begins bool) { m.showRewind(mine, page, begins) }
	m.rewind.Store(new(View))
	switch {
	case o.Rewind == 0:
		m.keeper = nil
	case o.Folder == "":
		m.keeper = &memory{length: o.Rewind, least: m.manager.era(), show: show}
	default:
		a := archive.New(archive.Options{
			Folder: filepath.Join(o.Folder, folderOf(m.manager.name, m.path)), Length: o.Rewind, Least: m.manager.era(), Show: show,
			Report: func(err error) { m.manager.report(m.path, err) },
		})
		m.manager.running.Go(a.Run)
		m.keeper = a
	}
}

// replaceKeeper takes other options. What is kept stays where it is, unless that is elsewhere.
func (m *Mount) replaceKeeper(o, before *Options) {
	switch {
	case o.Rewind == before.Rewind && o.Folder == before.Folder:
	case m.keeper != nil && o.Rewind > 0 && o.Folder == before.Folder:
		m.keeper.Keep(o.Rewind)
	default:
		m.closeKeeper()
		m.openKeeper(o)
	}
}

func (m *Mount) closeKeeper() {
	if m.keeper != nil {
		m.keeper.Close()
		m.keeper = nil
	}
}

// showRewind shows a page of the long list of a keeper, unless another one has taken its place.
func (m *Mount) showRewind(mine int, page *hls.Page, begins bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keeping != mine {
		return
	}
	page.Form = m.form()
	before := m.rewind.Load()
	v := &View{Page: page, first: before.first, before: before.before}
	if begins {
		v.first, v.before = page.Segments[0].Sequence, before.Page
		m.rewindDroppedAt = time.Now().Add(m.options.Load().idleTime())
	}
	m.rewind.Store(v)
	m.wake()
}

// dropRewind forgets the long list before the last one after a while.
func (m *Mount) dropRewind(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v := *m.rewind.Load(); v.before != nil && now.After(m.rewindDroppedAt) {
		v.before = nil
		m.rewind.Store(&v)
	}
}

// isKept reports whether the mount goes on without requests: for the long list, as long as there
// is a source, or something in memory.
func (m *Mount) isKept(o *Options, now time.Time) bool {
	if o.Rewind == 0 {
		return false
	}
	if at := m.manager.station.Mount(m.path); at != nil && at.Source() != nil {
		return true
	}
	return o.Folder == "" && m.rewind.Load().Page != nil && now.Sub(m.silentSince) < o.Rewind
}

// folderOf returns the name of a mount's folder: readable, bounded, and that of no other mount, nor
// of another station's.
func folderOf(station, mount string) string {
	const readable, hashed = 64, 4
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, strings.Trim(mount, "/."))
	sum := sha256.Sum256([]byte(station + "\n" + mount))
	return name[:min(len(name), readable)] + "-" + hex.EncodeToString(sum[:hashed])
}
