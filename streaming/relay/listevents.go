package relay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// The list of a master as server-sent events:
//
//	event: list           the whole list, a mount on each line, as readList reads it
//	event: changes        a line of the list after a plus, or one of a mount that left after a minus
//	id: <version>         of the list after the event
//	data: <line>
//
// An empty line ends an event. A line that begins with a colon is a comment, a sign of life.

// listEvent is one event.
type listEvent struct {
	name, id string
	data     []string
}

// eventReader reads events.
type eventReader struct {
	lines *bufio.Scanner
	alive func() // called with each line
}

func newEventReader(r io.Reader, alive func()) *eventReader {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	return &eventReader{lines, alive}
}

// next returns the next event with data; io.EOF after the last one.
func (e *eventReader) next() (event listEvent, err error) {
	size := 0
	for e.lines.Scan() {
		e.alive()
		line := e.lines.Text()
		if line == "" {
			if len(event.data) > 0 {
				return event, nil
			}
			event = listEvent{}
			continue
		}
		if size += len(line); size > maxList {
			return event, fmt.Errorf("event: too long; expected at most %d bytes", maxList)
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			event.name = value
		case "id":
			event.id = value
		case "data":
			event.data = append(event.data, value)
		}
	}
	if err := e.lines.Err(); err != nil {
		return event, err
	}
	return event, io.EOF
}

// errNoList reports changes of a list that this node does not have.
var errNoList = errors.New("event: changes of an unknown list; expected the whole list first")

// applyTo returns the list after an event; list is the one before, and hasList reports whether
// there is one.
func (e listEvent) applyTo(list []listed, hasList bool, base *url.URL) ([]listed, error) {
	switch {
	case e.name == "list":
		return readLines(e.data, base)
	case e.name != "changes": // of a later version
		return list, nil
	case !hasList:
		return nil, errNoList
	}
	var added, removed []string
	for _, line := range e.data {
		if rest, ok := strings.CutPrefix(line, "+"); ok {
			added = append(added, rest)
		} else if rest, ok := strings.CutPrefix(line, "-"); ok {
			removed = append(removed, rest)
		}
	}
	more, err := readLines(added, base)
	if err != nil {
		return nil, err
	}
	less, err := readLines(removed, base)
	if err != nil {
		return nil, err
	}
	changed := make(map[string]bool)
	for _, l := range slices.Concat(more, less) {
		changed[l.mount] = true
	}
	after := make([]listed, 0, len(list)+len(more))
	for _, l := range list {
		if !changed[l.mount] {
			after = append(after, l)
		}
	}
	after = append(after, more...)
	return after[:min(len(after), maxMounts)], nil
}

func readLines(lines []string, base *url.URL) ([]listed, error) {
	return readList(strings.NewReader(strings.Join(lines, "\n")), base)
}
