package icecastxml

import "strings"

// triggers maps the events of 2.5 to hook events.
var triggers = map[string]string{
	"source-connect":           "source_connected",
	"source-disconnect":        "source_disconnected",
	"source-listener-attach":   "listener_added",
	"source-listener-detach":   "listener_removed",
	"source-listeners-changed": "listener_added listener_removed",
	"format-metadata-changed":  "metadata_updated",
	"dumpfile-opened":          "recording_started",
	"dumpfile-closed":          "recording_ended",
}

// events reads <event-bindings> of the server or of a mount (2.5).
func (r *reader) events(e *element) (all []*directive) {
	r.readChildren(e, table{"event": func(e *element) {
		kind, trigger := e.attr("type"), e.attr("trigger")
		events, known := triggers[trigger]
		if !known {
			r.notef(e, "ignored; unknown event %q", trigger)
			e.markKnown()
			return
		}
		hook := line(e.line, append([]string{"on"}, strings.Fields(events)...)...)
		switch kind {
		case "exec":
			r.execEvent(e, hook)
		case "url":
			r.urlEvent(e, hook)
		default:
			r.notef(e, "ignored; unsupported type %q. Supported are exec and url; all events are logged", kind)
			e.markKnown()
			return
		}
		if len(hook.words) > 1+len(strings.Fields(events)) {
			all = append(all, hook)
		}
	}})
	return all
}

// execEvent reads the program of an event.
func (r *reader) execEvent(e *element, hook *directive) {
	program := ""
	r.readOptions(e, map[string]func(*element, string){
		"executable": func(_ *element, v string) { program = v },
		"default-arguments": func(o *element, v string) {
			if v != "legacy" {
				r.notef(o, "default-arguments %q is ignored; the argument of the program is the mount", v)
			}
		},
	})
	if program == "" {
		r.errorf(e, "no program; expected <option name=\"executable\" value=\"/usr/local/bin/tell\"/>")
		return
	}
	hook.words = append(hook.words, "exec", program)
}

// urlEvent reads the URL of an event.
func (r *reader) urlEvent(e *element, hook *directive) {
	at := ""
	r.readOptions(e, map[string]func(*element, string){
		"url": func(_ *element, v string) { at = v },
		"action": func(o *element, v string) {
			r.notef(o, "action %q is ignored; the action is the one of Icecast's URL authentication", v)
		},
	})
	if !isWebURL(at) {
		r.errorf(e, "no URL; expected <option name=\"url\" value=\"https://example.org/event\"/>")
		return
	}
	hook.words = append(hook.words, "webhook", literal(at))
	hook.block = []*directive{line(hook.line, "form")}
}
