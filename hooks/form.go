package hooks

import (
	"slices"
	"strings"
)

// Pair is a parameter of a form. Both parts are unescaped.
type Pair struct{ Key, Value string }

// Stamped returns a form with the event's id and time added, so that a receiver can
// detect that a signed form was posted again.
func (b Body) Stamped(e *Event) Body {
	var stamp []Pair
	for _, key := range []string{"id", "time"} {
		stamp = append(stamp, Pair{key, e.Get(key)})
	}
	return Body{b.Type, slices.Concat(b.Text, []byte{'&'}, Form(stamp...))}
}

// Form encodes parameters as Icecast does: in the given order, and with all but the
// letters and digits of ASCII escaped. An "action" is not escaped, and an empty
// "agent" is a dash.
func Form(pairs ...Pair) []byte {
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		switch {
		case p.Key == "action": // a name of ours or of Icecast
			b.WriteString(p.Key + "=" + p.Value)
		case p.Key == "agent" && p.Value == "":
			b.WriteString("agent=-") // Icecast does not escape it
		default:
			b.WriteString(p.Key + "=" + Escape(p.Value))
		}
	}
	return []byte(b.String())
}

// Escape escapes a text as Icecast does. The result is safe anywhere in a URL.
func Escape(s string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// IcecastForm returns an event as the form that Icecast's URL authentication posts.
// server and port are the address of the station. Events that Icecast does not have
// keep their names and all their fields.
func IcecastForm(e *Event, server, port string) Body {
	at := []Pair{{"server", server}, {"port", port}}
	mount := Pair{"mount", e.Mount}
	agent := Pair{"agent", e.Get("agent")}
	var pairs []Pair
	switch e.Name {
	case SourceConnected:
		pairs = append([]Pair{{"action", "mount_add"}, mount}, at...)
	case SourceDisconnected:
		pairs = append([]Pair{{"action", "mount_remove"}, mount}, at...)
	case ListenerAdded:
		pairs = append([]Pair{{"action", "listener_add"}}, at...)
		pairs = append(pairs, Pair{"client", e.Get("client")}, mount, Pair{"user", e.Get("user")}, Pair{"pass", ""},
			Pair{"ip", e.Get("ip")}, agent)
	case ListenerRemoved:
		seconds, _, _ := strings.Cut(e.Get("duration"), ".")
		pairs = append([]Pair{{"action", "listener_remove"}}, at...)
		pairs = append(pairs, Pair{"client", e.Get("client")}, mount, Pair{"user", e.Get("user")}, Pair{"pass", e.Get("pass")},
			Pair{"duration", seconds}, Pair{"ip", e.Get("ip")}, agent)
	default:
		pairs = append([]Pair{{"action", string(e.Name)}, mount}, at...)
		for _, f := range e.Fields {
			pairs = append(pairs, Pair{f.Key, f.String()})
		}
	}
	return Body{"application/x-www-form-urlencoded", Form(pairs...)}
}
