package admin

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// element is a part of the answer to an admin command, as Icecast's XML or as JSON. It has a
// text or children.
type element struct {
	name     string
	attrs    []attr
	data     any // its text, or a number or bool that is written as text
	children []element
}

// attr is an attribute of an element.
type attr struct{ name, value string }

// ofMount returns the element source of a mount.
func ofMount(path string, children ...element) element {
	e := el("source", children...)
	e.attrs = []attr{{"mount", path}}
	return e
}

// el returns an element with children.
func el(name string, children ...element) element {
	return element{name: name, children: append([]element{}, children...)}
}

// leaf returns an element with a text, a number or a bool.
func leaf(name string, data any) element { return element{name: name, data: data} }

// leaves returns an element for each value of a map, sorted by name.
func leaves(values map[string]any) []element {
	var all []element
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, leaf(name, values[name]))
	}
	return all
}

// MarshalXML implements xml.Marshaler.
func (e element) MarshalXML(enc *xml.Encoder, start xml.StartElement) error {
	start.Name.Local, start.Attr = e.name, nil
	for _, a := range e.attrs {
		start.Attr = append(start.Attr, xml.Attr{Name: xml.Name{Local: a.name}, Value: a.value})
	}
	if err := enc.EncodeToken(start); err != nil {
		return err
	}
	if e.data != nil {
		if err := enc.EncodeToken(xml.CharData(fmt.Sprint(e.data))); err != nil {
			return err
		}
	}
	for _, c := range e.children {
		if err := enc.Encode(c); err != nil {
			return err
		}
	}
	return enc.EncodeToken(start.End())
}

// lists are the elements that may be repeated. In JSON they are always an array.
var lists = []string{"source", "listener", "slave", "event", "User", "role", "user"}

// value returns the content of the element, for JSON.
func (e element) value() any {
	if e.children == nil && e.attrs == nil {
		return e.data
	}
	object := make(map[string]any)
	for _, a := range e.attrs {
		object[a.name] = a.value
	}
	for _, c := range e.children {
		if slices.Contains(lists, c.name) {
			all, _ := object[c.name].([]any)
			object[c.name] = append(all, c.value())
		} else {
			object[c.name] = c.value()
		}
	}
	return object
}

// answerElement answers a command, as JSON if the path ends in .json.
func answerElement(w http.ResponseWriter, r *request.Facts, e element) error {
	var body bytes.Buffer
	if strings.HasSuffix(r.URL.Path, ".json") {
		if err := json.NewEncoder(&body).Encode(map[string]any{e.name: e.value()}); err != nil {
			return fmt.Errorf("rendering an answer: %w", err)
		}
		return response.Answer(w, r.Request, http.StatusOK, "application/json; charset=utf-8", body.String())
	}
	body.WriteString("<?xml version=\"1.0\"?>\n")
	enc := xml.NewEncoder(&body)
	if err := enc.Encode(e); err != nil {
		return fmt.Errorf("rendering an answer: %w", err)
	}
	body.WriteByte('\n')
	return response.Answer(w, r.Request, http.StatusOK, "text/xml; charset=utf-8", body.String())
}

// iceResponse answers an admin command that changes something.
func iceResponse(w http.ResponseWriter, r *request.Facts, message string, ok bool) error {
	done := 0
	if ok {
		done = 1
	}
	return answerElement(w, r, el("iceresponse", leaf("message", message), leaf("return", done)))
}
