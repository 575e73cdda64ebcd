package icecastxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// The limits of a configuration. Files of large panels reach a tenth of them.
const (
	maxFile     = 4 << 20
	maxDepth    = 32
	maxElements = 100_000
)

// element is an XML element.
type element struct {
	name     string
	line     int // of the start tag
	attrs    []attr
	text     string          // without the text of children
	content  strings.Builder // the text during parsing
	children []*element

	known        bool // it was read or noted
	childrenRead bool // readChildren was called
}

type attr struct {
	name, value string
	known       bool
}

// attr returns an attribute and marks it as known.
func (e *element) attr(name string) string {
	for i := range e.attrs {
		if a := &e.attrs[i]; a.name == name {
			a.known = true
			return strings.TrimSpace(a.value)
		}
	}
	return ""
}

// parse reads a file into a tree.
func parse(text []byte) (*element, error) {
	if len(text) > maxFile {
		return nil, &LineError{1, fmt.Sprintf("file too large: %d bytes; expected at most %d", len(text), maxFile)}
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(name string, r io.Reader) (io.Reader, error) {
		enc, err := htmlindex.Get(name)
		if err != nil {
			return nil, fmt.Errorf("unknown encoding %q; expected UTF-8", name)
		}
		return enc.NewDecoder().Reader(r), nil
	}
	p := parser{decoder: d}
	if err := p.run(); err != nil {
		return nil, err
	}
	return p.root, nil
}

// parser is the state of parse.
type parser struct {
	decoder  *xml.Decoder
	root     *element
	open     []*element
	elements int
}

func (p *parser) run() error {
	for {
		line, _ := p.decoder.InputPos()
		token, err := p.decoder.Token()
		if errors.Is(err, io.EOF) && len(p.open) == 0 {
			break
		}
		if err != nil {
			return syntaxError(line, err)
		}
		if err := p.addToken(line, token); err != nil {
			return err
		}
	}
	if p.root == nil {
		return &LineError{1, "empty file; expected <icecast>"}
	}
	return nil
}

// addToken adds a token to the tree.
func (p *parser) addToken(line int, token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return p.begin(line, token)
	case xml.EndElement:
		e := p.open[len(p.open)-1]
		e.text = e.content.String()
		p.open = p.open[:len(p.open)-1]
	case xml.CharData:
		return p.addText(line, token)
	case xml.Directive:
		return &LineError{line, "<!DOCTYPE …> is not allowed, because it can define entities; remove it"}
	}
	return nil
}

// addText adds text to its element. Outside of the root there is only space, and in front of it
// a byte order mark.
func (p *parser) addText(line int, text xml.CharData) error {
	if n := len(p.open); n > 0 {
		p.open[n-1].content.Write(text)
		return nil
	}
	if p.root == nil && line == 1 {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}
	if space := bytes.TrimLeft(text, " \t\r\n"); len(space) > 0 {
		line += bytes.Count(text[:len(text)-len(space)], []byte("\n"))
		return &LineError{line, "text outside of <icecast>; expected it in an element, or in a comment <!-- … -->"}
	}
	return nil
}

func (p *parser) begin(line int, start xml.StartElement) error {
	e := &element{name: start.Name.Local, line: line}
	for _, a := range start.Attr {
		e.attrs = append(e.attrs, attr{name: a.Name.Local, value: a.Value})
	}
	if p.elements++; p.elements > maxElements || len(p.open) >= maxDepth {
		return &LineError{line, fmt.Sprintf("<%s>: too many elements; expected at most %d, nested at most %d deep", e.name, maxElements, maxDepth)}
	}
	if n := len(p.open); n > 0 {
		p.open[n-1].children = append(p.open[n-1].children, e)
	} else if p.root == nil {
		p.root = e
	} else {
		return &LineError{line, fmt.Sprintf("<%s>: second root element; expected a single <icecast>", e.name)}
	}
	p.open = append(p.open, e)
	return nil
}

// syntaxError returns the error for invalid XML.
func syntaxError(line int, err error) error {
	if syntax := new(xml.SyntaxError); errors.As(err, &syntax) {
		if strings.Contains(syntax.Msg, "entity") { // the message would repeat it, and it can be part of a password
			return &LineError{syntax.Line, "invalid XML; expected &amp; for an & in text"}
		}
		if syntax.Msg == "invalid UTF-8" {
			return &LineError{syntax.Line, "invalid UTF-8; expected UTF-8, or an encoding declaration such as <?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>"}
		}
		return &LineError{syntax.Line, "invalid XML: " + syntax.Msg}
	}
	return &LineError{line, "invalid XML: " + err.Error()}
}
