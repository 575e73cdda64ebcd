package relay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
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

// applyTo returns the list after an event, and the mounts that the event says are there; list is the one
// before, and hasList reports whether there is one.
func (e listEvent) applyTo(list []listed, hasList bool, base *url.URL) (after []listed, there []string, err error) {
	switch {
	case e.name == "list":
		after, err = readLines(e.data, base)
		return after, nil, err
	case e.name != "changes": // of a later version
		return list, nil, nil
	case !hasList:
		return nil, nil, errNoList
	}
	changed, order, err := e.changes(base)
	if err != nil {
		return nil, nil, err
	}
	after = make([]listed, 0, len(list)+len(changed))
	for _, l := range list {
		if _, ok := changed[l.mount]; !ok {
			after = append(after, l)
		}
	}
	for _, mount := range order {
		if l := changed[mount]; l != nil {
			after, there = append(after, *l), append(there, mount)
		}
	}
	return after[:min(len(after), maxMounts)], there, nil
}

// changes returns the last line of each mount, nil if it has left, and the mounts in the order of their
// first lines.
func (e listEvent) changes(base *url.URL) (last map[string]*listed, order []string, err error) {
	last = make(map[string]*listed)
	for _, line := range e.data {
		rest, more := strings.CutPrefix(line, "+")
		if !more {
			var less bool
			if rest, less = strings.CutPrefix(line, "-"); !less {
				continue
			}
		}
		all, err := readLines([]string{rest}, base)
		if err != nil {
			return nil, nil, err
		}
		for _, l := range all {
			if _, ok := last[l.mount]; !ok {
				order = append(order, l.mount)
			}
			if last[l.mount] = nil; more {
				last[l.mount] = &l
			}
		}
	}
	return last, order, nil
}

func readLines(lines []string, base *url.URL) ([]listed, error) {
	return readList(strings.NewReader(strings.Join(lines, "\n")), base)
}
