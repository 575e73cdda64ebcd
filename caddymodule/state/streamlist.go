package state

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/streaming/relay"
)

// StreamList is the list of mounts that offer sound, at one moment. It does not change.
type StreamList struct {
	paths  []string        // sorted
	hidden map[string]bool // from slaves
	made   time.Time

	protected map[string]string // marks of the mounts that are not served to everybody
	plain     rendering         // for icecast2, whose pulls are those of any listener
	open      rendering         // for slaves that would serve everything to everybody
	marked    rendering         // for slaves that read the marks of protected mounts
}

// rendering is a list as slaves get it: a path on each line, and a tag that names this text.
type rendering struct{ text, tag string }

// Paths returns the mounts, sorted, with those that are hidden from slaves.
func (l *StreamList) Paths() []string { return l.paths }

// WithPrefix returns the list for slaves that would serve everything to everybody, with a
// prefix before each path.
func (l *StreamList) WithPrefix(prefix string) string {
	return l.render(prefix, openOnly, func(string) bool { return true }).text
}

// listForm says how protected mounts stand on a list.
type listForm uint8

const (
	plain    listForm = iota // as the others
	openOnly                 // not at all
	marked                   // with their marks
)

func (l *StreamList) render(prefix string, a listForm, isListed func(path string) bool) rendering {
	var b strings.Builder
	for _, p := range l.paths {
		if l.hidden[p] || a == openOnly && l.protected[p] != "" || !isListed(p) {
			continue
		}
		b.WriteString(prefix + mountpath.Escape(p))
		if marks := l.protected[p]; a == marked && marks != "" {
			b.WriteString("\t" + marks)
		}
		b.WriteString("\r\n")
	}
	sum := sha256.Sum256([]byte(b.String()))
	return rendering{b.String(), `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// streamListAge is how old a list may be while the station has not changed: a file that could
// not be played may be playable again.
const streamListAge = time.Second

// streamList makes a StreamList once for each change of the station, for all slaves.
type streamList struct {
	mu      sync.Mutex
	changed <-chan struct{} // of the station, when known was made
	known   *StreamList
}

// StreamList returns the mounts that offer sound now.
func (g *Generation) StreamList() *StreamList {
	s := &g.streamList
	s.mu.Lock()
	defer s.mu.Unlock()
	if changed := g.Changed(); s.known == nil || s.changed != changed || time.Since(s.known.made) > streamListAge {
		s.changed, s.known = changed, g.newStreamList()
	}
	return s.known
}

// StreamListFor returns the list for a slave with a node id, and a tag that identifies this
// state of the list. A slave of ours has an id; one that does not read the marks of protected
// mounts does not get these. Without an id it is icecast2, which gets all mounts. A mount that
// is only pulled from that very node is left out: it would stay on both lists for ever.
func (g *Generation) StreamListFor(node string, readsMarks bool) (text, tag string) {
	l := g.StreamList()
	a, r := plain, l.plain
	switch {
	case readsMarks:
		a, r = marked, l.marked
	case node != "":
		a, r = openOnly, l.open
	}
	isForeign := func(path string) bool { return !g.relays.PulledOnlyFrom(path, node) }
	for _, p := range g.relays.Mounts() {
		if !isForeign(p) {
			r = l.render("", a, isForeign)
			break
		}
	}
	return r.text, r.tag
}

// newStreamList goes through all mounts: those with a source, now or earlier, those with a
// fallback, and those that are pulled on demand. Mounts that exist only because a listener asked
// for a path with a pattern's fallback are left out: slaves would pull all of them, and so keep
// them alive.
func (g *Generation) newStreamList() *StreamList {
	paths := make(map[string]bool)
	for _, m := range g.Mounts() {
		if !m.IsAdHoc() {
			paths[m.Path] = true
		}
	}
	for _, p := range g.Named {
		paths[p] = true
	}
	for _, p := range g.relays.Mounts() {
		paths[p] = true
	}
	maps.DeleteFunc(paths, func(p string, _ bool) bool { return !g.Offers(p) })
	l := &StreamList{paths: slices.Sorted(maps.Keys(paths)), hidden: make(map[string]bool), protected: make(map[string]string), made: time.Now()}
	for _, p := range l.paths {
		if g.Policy(p).HiddenFromSlaves {
			l.hidden[p] = true
		}
		l.protected[p] = relay.JoinProtections(g.Protections(p))
	}
	all := func(string) bool { return true }
	l.plain, l.open, l.marked = l.render("", plain, all), l.render("", openOnly, all), l.render("", marked, all)
	return l
}
