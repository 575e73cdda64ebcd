package icecastxml

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Note describes an element that is ignored, or that has another meaning than in Icecast.
type Note struct {
	Line    int
	Element string
	Why     string
}

func (n Note) String() string { return fmt.Sprintf("line %d: <%s>: %s", n.Line, n.Element, n.Why) }

// LineError describes an error in a line of icecast.xml, and what is expected.
type LineError struct {
	Line int
	Text string
}

func (p *LineError) Error() string { return fmt.Sprintf("line %d: %s", p.Line, p.Text) }

// sortNotes sorts notes by line. Of several with the same text, as for an element that a panel
// writes into each mount, the first one says how many there are.
func sortNotes(notes []Note) []Note {
	slices.SortStableFunc(notes, func(a, b Note) int { return cmp.Compare(a.Line, b.Line) })
	type repeated struct{ at, lines, last int }
	seen := make(map[Note]*repeated)
	var kept []Note
	for _, n := range notes {
		text := Note{Element: n.Element, Why: n.Why}
		if r := seen[text]; r == nil {
			seen[text] = &repeated{len(kept), 1, n.Line}
			kept = append(kept, n)
		} else if n.Line != r.last {
			r.lines, r.last = r.lines+1, n.Line
		}
	}
	for _, r := range seen {
		if r.lines > 1 {
			kept[r.at].Why += fmt.Sprintf(" (in %d lines, the last is %d)", r.lines, r.last)
		}
	}
	return kept
}

// joinErrors joins errors in the order of the file.
func joinErrors(problems []*LineError) error {
	slices.SortStableFunc(problems, func(a, b *LineError) int { return cmp.Compare(a.Line, b.Line) })
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}
