package icecastxml

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// reader reads elements and collects notes and errors.
type reader struct {
	notes    []Note
	problems []*LineError
	kh       bool                  // the file is for Icecast-KH, whose defaults differ
	visit    func(*element, table) // called for each element with children
}

// table maps the names of child elements to their readers.
type table map[string]func(*element)

// readChildren reads the children of an element by a table.
func (r *reader) readChildren(e *element, t table) {
	e.childrenRead = true
	if r.visit != nil {
		r.visit(e, t)
	}
	for _, c := range e.children {
		if read, ok := t[c.name]; ok {
			c.known = true
			read(c)
		}
	}
}

// noteUnknown notes elements and attributes that were not read, but none below a noted element.
func (r *reader) noteUnknown(e *element) {
	for _, a := range e.attrs {
		if !a.known {
			r.notef(e, "unknown attribute %s", a.name)
		}
	}
	for _, c := range e.children {
		switch {
		case c.known && c.childrenRead || c.known && len(c.children) == 0:
			r.noteUnknown(c)
		case c.known:
			r.notef(c, "ignored; it contains unknown elements")
		case e.childrenRead:
			if where := parents()[c.name]; where != "" {
				r.notef(c, "ignored, as in Icecast; it belongs in %s", where)
				continue
			}
			r.notef(c, "unknown element; neither Icecast 2.4 nor 2.5 nor Icecast-KH has it in <%s>", e.name)
		}
	}
}

// notef adds a note about an element.
func (r *reader) notef(e *element, why string, args ...any) {
	r.notes = append(r.notes, Note{e.line, e.name, fmt.Sprintf(why, args...)})
}

// errorf adds an error about an element.
func (r *reader) errorf(e *element, why string, args ...any) {
	r.problems = append(r.problems, &LineError{e.line, "<" + e.name + ">: " + fmt.Sprintf(why, args...)})
}

// known is the reader of an element of which nothing is needed.
func (*reader) known(e *element) { e.markKnown() }

// ignore returns the reader of an ignored element.
func (r *reader) ignore(why string) func(*element) {
	return func(e *element) {
		e.markKnown()
		r.notef(e, "%s", why)
	}
}

// ignoreUnlessOff is ignore for a switch that needs no note if it is off.
func (r *reader) ignoreUnlessOff(why string) func(*element) {
	return func(e *element) {
		if on, ok := r.flag(e); ok && on {
			r.notef(e, "%s", why)
		}
	}
}

// markKnown marks an element with all its descendants as known.
func (e *element) markKnown() {
	e.known, e.childrenRead = true, true
	for i := range e.attrs {
		e.attrs[i].known = true
	}
	for _, c := range e.children {
		c.markKnown()
	}
}

// value reads the text of an element. As in Icecast, an empty one counts as missing.
func (r *reader) value(e *element) (string, bool) {
	v := strings.Join(strings.Fields(e.text), " ")
	if v == "" {
		r.notef(e, "ignored; it is empty")
	}
	return v, v != ""
}

// secret reads the text of an element unchanged, with spaces.
func (r *reader) secret(e *element) (string, bool) {
	if e.text == "" {
		r.notef(e, "ignored; it is empty")
	}
	return e.text, e.text != ""
}

// number reads a whole number.
func (r *reader) number(e *element) (int, bool) {
	v, ok := r.value(e)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < -1 || n > math.MaxInt32 {
		r.errorf(e, "invalid number %q; expected a whole number, such as 100", v)
		return 0, false
	}
	return n, true
}

// natural reads a number of 0 or more.
func (r *reader) natural(e *element) (int, bool) {
	n, ok := r.number(e)
	if ok && n < 0 {
		r.errorf(e, "negative number %d; expected 0 or more, such as 100", n)
		return 0, false
	}
	return n, ok
}

// size reads a number of bytes, in Icecast-KH with an optional unit.
func (r *reader) size(e *element) (int, bool) {
	v, ok := r.value(e)
	if !ok {
		return 0, false
	}
	if seconds, is := strings.CutSuffix(v, "s"); is && strings.Trim(seconds, "0123456789") == "" {
		r.notef(e, "ignored; %q is a duration. Use a number of bytes, such as 65536", v)
		return 0, false
	}
	digits := strings.TrimRight(v, "kKmMbB ")
	n, err := strconv.Atoi(digits)
	switch strings.ToLower(strings.Trim(v[len(digits):], "bB ")) {
	case "":
	case "k":
		n *= 1 << 10
	case "m":
		n *= 1 << 20
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || n < 0 || n > 1<<30 {
		r.errorf(e, "invalid size %q; expected a number of bytes up to 1073741824, such as 65536", v)
		return 0, false
	}
	return n, true
}

// switches are the values of booleans in 2.4, 2.5 and KH.
var switches = map[string]bool{
	"1": true, "yes": true, "true": true, "on": true,
	"0": false, "no": false, "false": false, "off": false,
}

// flag reads a switch. Any number except 0 is on.
func (r *reader) flag(e *element) (on, ok bool) {
	v, ok := r.value(e)
	if !ok {
		return false, false
	}
	return r.parseFlag(e, v)
}

func (r *reader) parseFlag(e *element, v string) (on, ok bool) {
	if on, ok = switches[strings.ToLower(v)]; ok {
		return on, true
	}
	if n, err := strconv.Atoi(v); err == nil {
		return n != 0, true
	}
	r.errorf(e, "invalid switch %q; expected 1 or 0", v)
	return false, false
}

// store returns a reader that stores the value of an element. A duplicate is noted and replaces the
// value.
func store[T any](r *reader, read func(*element) (T, bool), to *setting[T]) func(*element) {
	return func(e *element) {
		v, ok := read(e)
		if !ok {
			return
		}
		if to.line > 0 {
			r.notef(e, "duplicate of line %d; this one counts", to.line)
		}
		*to = setting[T]{v, e.line}
	}
}

// setting is a value and its line in icecast.xml; line 0 means unset.
type setting[T any] struct {
	v    T
	line int
}

func (s setting[T]) set() bool { return s.line > 0 }

// or returns the value, or other if it is unset.
func (s setting[T]) or(other T) T {
	if s.line > 0 {
		return s.v
	}
	return other
}
