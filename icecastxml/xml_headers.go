package icecastxml

import "strings"

// corsDefaults are the header fields for which Icecast 2.5 has a value of its own. This server
// sends all of them without a configuration, too; only the origin is a choice.
var corsDefaults = map[string]bool{
	"access-control-allow-origin":   true,
	"access-control-allow-methods":  false,
	"access-control-allow-headers":  false,
	"access-control-expose-headers": false,
	"access-control-max-age":        false,
}

// headers reads <http-headers>.
func (r *reader) headers(e *element) (all []header) {
	e.attr("type")
	r.readChildren(e, table{"header": func(e *element) {
		h := header{line: e.line, name: e.attr("name"), value: e.attr("value"), status: e.attr("status")}
		kind := e.attr("type")
		h.cors = kind == "cors"
		chosen, hasDefault := corsDefaults[strings.ToLower(h.name)]
		switch {
		case kind != "" && kind != "static" && kind != "cors":
			r.notef(e, "ignored; unsupported type %q. Use type=\"static\"", kind)
		case h.name == "" || strings.ContainsAny(h.name, " :\r\n{}"):
			r.errorf(e, "no valid name and value; expected <header name=\"X-Station\" value=\"one\"/>")
		case h.value != "" || h.cors && chosen:
			all = append(all, h)
		case !h.cors || !hasDefault:
			r.notef(e, "ignored, as in Icecast; it has no value")
		}
	}})
	return all
}
