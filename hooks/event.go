package hooks

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/caddycast/caddycast/streaming/icy"
)

// Name is the kind of an event.
type Name string

// The events. docs/reference/events.md has when each occurs and which fields it has.
const (
	SourceConnected    Name = "source_connected"
	SourceDisconnected Name = "source_disconnected"
	RelayUp            Name = "relay_up"
	RelayDown          Name = "relay_down"
	ListenerAdded      Name = "listener_added"
	ListenerRemoved    Name = "listener_removed"
	MetadataUpdated    Name = "metadata_updated"
	FallbackEngaged    Name = "fallback_engaged"
	FallbackReleased   Name = "fallback_released"
	MountFull          Name = "mount_full"
	SlaveJoined        Name = "slave_joined"
	SlaveLeft          Name = "slave_left"
	RecordingStarted   Name = "recording_started"
	RecordingEnded     Name = "recording_ended"
	DrainStarted       Name = "drain_started"
	DrainEnded         Name = "drain_ended"
)

// Names are the names of all events.
var Names = []Name{
	SourceConnected, SourceDisconnected, RelayUp, RelayDown, ListenerAdded, ListenerRemoved, MetadataUpdated,
	FallbackEngaged, FallbackReleased, MountFull, SlaveJoined, SlaveLeft, RecordingStarted, RecordingEnded,
	DrainStarted, DrainEnded,
}

// OfStations are the events of a station that no mount has.
var OfStations = []Name{SlaveJoined, SlaveLeft, DrainStarted, DrainEnded}

// Keys are the keys of all fields that events may have, those of the event itself
// included.
var Keys = []string{
	"id", "event", "time", "node", "station", "mount",
	"ip", "user", "agent", "referer", "protocol", "tls", "client", "listeners", "max_listeners",
	"content_type", "name", "description", "genre", "url", "bitrate", "artist", "title", "song",
	"bytes", "duration", "reason", "from", "to", "upstream", "slave", "file",
}

// IsName reports whether there is an event of that name.
func IsName(s string) bool { return slices.Contains(Names, Name(s)) }

// maxText is how many bytes of a text a field has at most.
const maxText = 1024

// Event is something that has happened. It does not change once it is dispatched.
// Its JSON form is what a queue stores; what a webhook posts is that of All.
type Event struct {
	ID      string // unique; the same each time that the event is delivered
	Name    Name
	Time    time.Time
	Node    string // host name of the server
	Station string
	Mount   string // empty: the event is about the whole station
	Fields  Fields // all else
}

// NewEvent returns an event of now with a new ID. An empty mount makes it an event
// of the whole station. Node and Station are left to the caller.
func NewEvent(name Name, mount string, fields ...Field) *Event {
	return &Event{ID: rand.Text(), Name: name, Time: time.Now(), Mount: mount, Fields: fields}
}

// Fields are the fields of an event in the order of their output. Keys consist of
// a to z and "_" and are unique, also among those of the event itself.
type Fields []Field

// Field is a key with a value as Text, Count, Seconds and Flag make it: a string, an
// int64, a float64 or a bool.
type Field struct {
	Key   string
	Value any
}

// Text is a field with a text that may come from outside: control characters are
// removed, and it is cut after 1 KiB.
func Text(key, s string) Field { return Field{key, icy.Cut(icy.Clean(s), maxText)} }

// Count is a field with a number.
func Count[T int | int64 | uint64](key string, n T) Field { return Field{key, int64(n)} }

// Seconds is a field with a duration in seconds, rounded to milliseconds.
func Seconds(key string, t time.Duration) Field {
	return Field{key, t.Round(time.Millisecond).Seconds()}
}

// Flag is a field that is true or false.
func Flag(key string, on bool) Field { return Field{key, on} }

// All returns the fields of the event itself, from "id" to "mount", and then the
// others.
func (e *Event) All() Fields {
	all := Fields{
		{"id", e.ID},
		{"event", string(e.Name)},
		{"time", e.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00")},
		{"node", e.Node},
		{"station", e.Station},
	}
	if e.Mount != "" {
		all = append(all, Field{"mount", e.Mount})
	}
	return append(all, e.Fields...)
}

// Get returns the field of that key as text, from those that All returns; empty if
// there is none.
func (e *Event) Get(key string) string {
	for _, f := range e.All() {
		if f.Key == key {
			return f.String()
		}
	}
	return ""
}

// String returns the value as text.
func (f Field) String() string {
	switch v := f.Value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(f.Value)
}

// MarshalJSON returns an object with the fields as members, in order. A text that is
// no UTF-8, as a password may be, is an array of one string: its bytes in base64.
func (fs Fields) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, f := range fs {
		if i > 0 {
			b = append(b, ',')
		}
		if s, ok := f.Value.(string); ok && !utf8.ValidString(s) {
			f.Value = [][]byte{[]byte(s)}
		}
		for j, v := range []any{f.Key, f.Value} {
			if j > 0 {
				b = append(b, ':')
			}
			text, err := json.Marshal(v)
			if err != nil {
				return nil, fmt.Errorf("field %s: %w", f.Key, err)
			}
			b = append(b, text...)
		}
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON returns. Numbers without a fraction become an
// int64.
func (fs *Fields) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("event fields: not a JSON object")
	}
	*fs = nil
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		value, err := d.Token()
		if err != nil {
			return err
		}
		switch v := value.(type) {
		case json.Delim:
			if value, err = decodeBytes(d, v); err != nil {
				return fmt.Errorf("field %v: %w", key, err)
			}
		case json.Number:
			if n, err := v.Int64(); err == nil {
				value = n
			} else if value, err = v.Float64(); err != nil {
				return fmt.Errorf("field %v: %w", key, err)
			}
		}
		*fs = append(*fs, Field{fmt.Sprint(key), value})
	}
	return nil
}

// decodeBytes reads the rest of an array that holds a text that is no UTF-8.
func decodeBytes(d *json.Decoder, begin json.Delim) (string, error) {
	if begin != '[' {
		return "", errors.New("unexpected object; expected a value or an array of one string in base64")
	}
	var b []byte
	if err := d.Decode(&b); err != nil {
		return "", err
	}
	if end, err := d.Token(); err != nil || end != json.Delim(']') {
		return "", errors.New("array of several elements; expected one string in base64")
	}
	return string(b), nil
}
