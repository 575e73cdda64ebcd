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

// sortNotes sorts notes by line and removes duplicates.
func sortNotes(notes []Note) []Note {
	slices.SortStableFunc(notes, func(a, b Note) int { return cmp.Compare(a.Line, b.Line) })
	return slices.Compact(notes)
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
