package state

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/streaming/relay"
)

// StreamList is the list of mounts that offer sound, at one moment. It does not change.
type StreamList struct {
	entries []*listEntry // sorted by path
	version uint64       // grows with each list of the station that differs from the one before

	plain  func() rendering // for icecast2, whose pulls are those of any listener
	open   func() rendering // for slaves that would serve everything to everybody
	marked func() rendering // for slaves that read the marks of protected mounts
}

// listEntry is one mount of a list. It does not change.
type listEntry struct {
	path   string
	line   string // escaped, as slaves get it
	marks  string // of a mount that is not served to everybody; empty: it is
	hidden bool   // from slaves
}

// rendering is a list as slaves get it: a path on each line, and a tag that names this text.
type rendering struct{ text, tag string }

func newStreamList(entries []*listEntry, version uint64) *StreamList {
	l := &StreamList{entries: entries, version: version}
	all := func(string) bool { return true }
	once := func(form listForm) func() rendering {
		return sync.OnceValue(func() rendering { return l.render("", form, all) })
	}
	l.plain, l.open, l.marked = once(plain), once(openOnly), once(marked)
	return l
}

// Paths returns the mounts, sorted, with those that are hidden from slaves.
func (l *StreamList) Paths() []string {
	paths := make([]string, len(l.entries))
	for i, e := range l.entries {
		paths[i] = e.path
	}
	return paths
}

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

func (l *StreamList) render(prefix string, form listForm, isListed func(path string) bool) rendering {
	var b strings.Builder
	for _, e := range l.entries {
		if e.hidden || form == openOnly && e.marks != "" || !isListed(e.path) {
			continue
		}
		line := e.line
		if form == marked {
			line = e.markedLine()
		}
		b.WriteString(prefix + line + "\r\n")
	}
	sum := sha256.Sum256([]byte(b.String()))
	return rendering{b.String(), `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// markedLine returns the line with the marks.
func (e *listEntry) markedLine() string {
	if e.marks == "" {
		return e.line
	}
	return e.line + "\t" + e.marks
}

// findEntry returns the place of a path, and whether it is among the entries.
func findEntry(entries []*listEntry, path string) (int, bool) {
	return slices.BinarySearchFunc(entries, path, func(e *listEntry, path string) int { return strings.Compare(e.path, path) })
}

// listEntryFor returns the entry of a mount, nil if it is not listed. Mounts are listed that have
// a source, or had one, that have a fallback, or that are pulled on demand. Mounts that exist
// only because a listener asked for a path with a pattern's fallback are left out: slaves would
// pull all of them, and so keep them alive.
func (g *Generation) listEntryFor(path string) *listEntry {
	if !strings.HasPrefix(path, "/") {
		return nil
	}
	policy := g.Policy(path)
	if m := g.Mount(path); (m == nil || m.IsAdHoc()) && !policy.Engine.Named && !g.relays.Has(path) || !g.Offers(path) {
		return nil
	}
	return &listEntry{
		path: path, line: mountpath.Escape(path), hidden: policy.HiddenFromSlaves,
		marks: relay.JoinProtections(g.Protections(path)),
	}
}

// listCandidates returns the mounts that may be listed, with repetitions.
func (g *Generation) listCandidates() (paths []string) {
	for _, m := range g.Mounts() {
		if !m.IsAdHoc() {
			paths = append(paths, m.Path)
		}
	}
	return slices.Concat(paths, g.Named, g.relays.Mounts())
}

// StreamList returns the mounts that offer sound now.
func (g *Generation) StreamList() *StreamList { return g.streams.current(g) }

// StreamListFor returns the list for a slave with a node id, and a tag that identifies this
// state of the list. A slave of ours has an id; one that does not read the marks of protected
// mounts does not get these. Without an id it is icecast2, which gets all mounts. A mount that
// is only pulled from that very node is left out: it would stay on both lists for ever.
func (g *Generation) StreamListFor(node string, readsMarks bool) (text, tag string) {
	l := g.StreamList()
	form, rendered := plain, l.plain
	switch {
	case readsMarks:
		form, rendered = marked, l.marked
	case node != "":
		form, rendered = openOnly, l.open
	}
	if g.relays.PullsFrom(node) {
		r := l.render("", form, func(path string) bool { return !g.relays.PulledOnlyFrom(path, node) })
		return r.text, r.tag
	}
	r := rendered()
	return r.text, r.tag
}
