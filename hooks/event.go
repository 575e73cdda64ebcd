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

// Name is what happened.
type Name string

// The events. docs/reference/events.md tells when exactly each comes and what it says.
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
)

// Names are all events.
var Names = []Name{
	SourceConnected, SourceDisconnected, RelayUp, RelayDown, ListenerAdded, ListenerRemoved, MetadataUpdated,
	FallbackEngaged, FallbackReleased, MountFull, SlaveJoined, SlaveLeft, RecordingStarted, RecordingEnded,
}

// Keys are those of all that events may say.
var Keys = []string{
	"id", "event", "time", "node", "station", "mount",
	"ip", "user", "agent", "referer", "protocol", "tls", "client", "listeners", "max_listeners",
	"content_type", "name", "description", "genre", "url", "bitrate", "artist", "title", "song",
	"bytes", "duration", "reason", "from", "to", "upstream", "slave", "file",
}

// IsName tells whether there is such an event.
func IsName(s string) bool { return slices.Contains(Names, Name(s)) }

// maxText is how many bytes of a text an event carries.
const maxText = 1024

// Event is something that has happened. It does not change once it is announced.
type Event struct {
	ID      string // no other event has it; the same each time that the event is told
	Name    Name
	Time    time.Time
	Node    string // the server that it happened on
	Station string
	Mount   string // empty: it is not about one
	Fields  Fields // what else there is to say
}

// NewEvent returns an event that happens now, on a mount or, if that is empty, to
// the station.
func NewEvent(name Name, mount string, fields ...Field) *Event {
	return &Event{ID: rand.Text(), Name: name, Time: time.Now(), Mount: mount, Fields: fields}
}

// Fields are in the order in which they are told. Keys are of [a-z_] and not
// those of an event itself.
type Fields []Field

// Field is one thing that an event says. The value is what Text, Count, Seconds
// and Flag make.
type Field struct {
	Key   string
	Value any
}

// Text is a field of text that may come from outside: what is no part of a line
// of text is taken out, and what is long is cut.
func Text(key, s string) Field { return Field{key, icy.Cut(icy.Clean(s), maxText)} }

// Count is a field that is a number.
func Count[T int | int64 | uint64](key string, n T) Field { return Field{key, int64(n)} }

// Seconds is a field that is a time, told in seconds.
func Seconds(key string, t time.Duration) Field {
	return Field{key, t.Round(time.Millisecond).Seconds()}
}

// Flag is a field that is true or false.
func Flag(key string, on bool) Field { return Field{key, on} }

// All returns what the event says of itself and its fields, in order.
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

// Get returns the field of that key as text, as All has them; empty if there is
// none.
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

// MarshalJSON renders an object whose members are in the fields' order. A text that
// is none, as a password may be, is an array of one: its bytes in base64.
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

// UnmarshalJSON reads such an object back. Numbers without a fraction are counts.
func (fs *Fields) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("the fields of an event are an object")
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
			if value, err = bytesOf(d, v); err != nil {
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

// bytesOf reads what follows upon the beginning of an array: a text that is no UTF-8.
func bytesOf(d *json.Decoder, begin json.Delim) (string, error) {
	if begin != '[' {
		return "", errors.New("no field of an event has parts")
	}
	var b []byte
	if err := d.Decode(&b); err != nil {
		return "", err
	}
	if end, err := d.Token(); err != nil || end != json.Delim(']') {
		return "", errors.New("bytes are an array of one")
	}
	return string(b), nil
}
