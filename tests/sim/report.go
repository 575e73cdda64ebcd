package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// second is what was measured in one second.
type second struct {
	served, wanting                   int
	fullest, mean, emptiest           float64 // part of the places that is taken
	messages, bytes, received, taken  int64   // by all nodes
	asks, decoding, decodings, taking int64
	running                           int
}

// result is the result of all scenes.
type result struct {
	options
	rows     []row
	seconds  []second
	warnings []string
}

// row is that of one scene.
type row struct {
	scene
	began, ended int // seconds
	crowd
	pulled
	settled float64
	unfit   int // listeners without a place at the end although there was room
}

// endSecond takes what was measured in this second.
func (w *world) endSecond() {
	s := second{served: w.served(), wanting: w.wanting, emptiest: 1}
	for _, n := range w.nodes {
		n.over = 0
		if n.isRunning {
			n.checkStreams()
		}
		if !n.isReachable {
			continue
		}
		load := float64(n.listeners) / float64(n.places)
		s.running++
		s.mean += load
		s.fullest = max(s.fullest, load)
		if !n.draining {
			s.emptiest = min(s.emptiest, load)
		}
	}
	s.mean /= float64(max(1, s.running))
	net := w.network
	s.messages, s.bytes, s.asks = net.messages.Swap(0), net.bytes.Swap(0), net.asks.Swap(0)
	s.received, s.taken = net.received.Swap(0), net.takenBytes.Swap(0)
	s.decoding, s.decodings, s.taking = net.decoding.Swap(0), net.decodings.Swap(0), net.taking.Swap(0)
	w.seconds = append(w.seconds, s)
}

// play plays a scene, and adds its row.
func (r *result) play(w *world, s scene) {
	start := time.Now()
	c := w.crowd
	c.joined, c.redirects, c.refused, c.refusedRoom, c.dead, c.over, c.longest, c.cpu = 0, 0, 0, 0, 0, 0, 0, 0
	w.pulled = pulled{}
	began := len(w.seconds)
	settled := s.play(w)
	unfit := 0
	if w.wanting > w.population/500 && !w.isSettled() {
		unfit = w.wanting
	}
	row := row{s, began, len(w.seconds), *c, w.pulled, settled, unfit}
	r.rows = append(r.rows, row)
	w.progress("%s: %s of virtual time; %d joined, %d wait, %d refused (%d with room), %d sent to nodes that were gone, %d cut, over %d; %+v",
		s.title, time.Since(start).Round(time.Second), c.joined, w.wanting, c.refused, c.refusedRoom, c.dead, w.pulled.cut, c.over, w.pulled)
	last := w.seconds[len(w.seconds)-1]
	w.progress("  fullest %.1f %%, mean %.1f %%, emptiest %.1f %%; %s", 100*last.fullest, 100*last.mean, 100*last.emptiest, r.load(&row, w.seconds))
}

// load describes the messages of a scene, for one node.
func (r *result) load(row *row, all []second) string {
	l := loadOf(row, all)
	return fmt.Sprintf("%.1f sent and %.0f received a second (at most %.0f), %.0f kB/s (at most %.0f), %.1f %% of a processor, %d asks, %s for a join",
		l.sent, l.received, l.mostReceived, l.kB, l.mostKB, l.cpu, l.asks, row.perJoin())
}

// load is what one node has to do with messages, on average and in the worst second.
type load struct {
	sent, mostSent, received, mostReceived, kB, mostKB, cpu float64
	asks                                                    int64
}

func loadOf(row *row, all []second) (l load) {
	for _, s := range all[row.began:row.ended] {
		nodes := float64(max(1, s.running))
		sent, received, kB := float64(s.messages)/nodes, float64(s.received)/nodes, float64(s.taken)/nodes/1000
		l.sent += sent
		l.received += received
		l.kB += kB
		l.mostSent, l.mostReceived, l.mostKB = max(l.mostSent, sent), max(l.mostReceived, received), max(l.mostKB, kB)
		l.asks += s.asks
		l.cpu += float64(s.decoding)*received/float64(max(1, s.decodings)) + float64(s.taking)/nodes
	}
	n := float64(max(1, row.ended-row.began))
	l.sent, l.received, l.kB = l.sent/n, l.received/n, l.kB/n
	l.cpu = 100 * l.cpu / n / float64(time.Second)
	return l
}

// perJoin returns the processor time of one listener who got a place, with all redirects.
func (r *row) perJoin() time.Duration {
	return (r.cpu / time.Duration(max(1, r.joined))).Round(100 * time.Nanosecond)
}

// table returns the table of the guide.
func (r *result) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d listeners, %d nodes that take sources and %d others in %d regions, %d mounts:\n\n", r.Listeners, r.Sources, r.Edges, r.Regions, r.Mounts)
	b.WriteString("| scene | joins | refused or lost while there was room | refused without room | seconds until settled | too many at a node | fullest node, average | messages a second from a node, worst second | received by a node | kB/s to a node, worst second | processor for messages | processor for a join |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i := range r.rows {
		row := &r.rows[i]
		l := loadOf(row, r.seconds)
		last := r.seconds[row.ended-1]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %.0f | %d | %.0f %%, %.0f %% | %.1f, %.1f | %.0f, %.0f | %.0f, %.0f | %.1f %% | %s |\n",
			row.title, row.joined, row.refusedRoom+row.unfit+row.cut, row.refused-row.refusedRoom, max(0, row.settled), row.over,
			100*last.fullest, 100*last.mean, l.sent, l.mostSent, l.received, l.mostReceived, l.kB, l.mostKB, l.cpu, row.perJoin())
	}
	for _, text := range r.warnings[:min(len(r.warnings), 5)] {
		fmt.Fprintf(&b, "warning: %s\n", text)
	}
	return b.String()
}

// The table in the guide stands between these.
const (
	tableBegins = "<!-- sim -->\n"
	tableEnds   = "<!-- /sim -->\n"
)

// write writes the table into the guide, and its plots beside it.
func (r *result) write(folder string) error {
	guide := filepath.Join(folder, "cluster.md")
	text, err := os.ReadFile(guide) //nolint:gosec // the folder is a flag
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), tableBegins)
	_, after, ended := strings.Cut(rest, tableEnds)
	if !found || !ended {
		return fmt.Errorf("%s: no place for the table; expected %q and %q", guide, tableBegins, tableEnds)
	}
	err = os.WriteFile(guide, []byte(before+tableBegins+"\n"+r.table()+"\n"+tableEnds+after), 0o644) //nolint:gosec // a page
	for _, p := range r.plots() {
		err = cmp.Or(err, os.WriteFile(filepath.Join(folder, p.name+".svg"), []byte(p.svg(r.rows)), 0o644)) //nolint:gosec // a picture
	}
	return err
}
