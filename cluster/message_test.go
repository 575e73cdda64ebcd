package cluster

import (
	"strings"
	"testing"

	"github.com/caddycast/caddycast/streaming/relay"
)

// sample returns a message of a node.
func sample(by *Identity) *Message {
	return &Message{
		Key: by.public(), At: noon.UnixMilli(), Host: "edge1", Internal: []string{"http://10.0.0.1:8000"},
		Report:  relay.Report{ID: by.ID, Seq: 1, Interval: 1, Mounts: map[string]int{"/live.mp3": 3}},
		Streams: map[string]*Stream{"/live.mp3": local(1), "/gone.mp3": nil},
	}
}

func TestAMessageIsThatOfItsNode(t *testing.T) {
	by, other := NewIdentity(), NewIdentity()
	for _, c := range []struct {
		name   string
		change func(*Message)
		signer *Identity
		want   string // part of the error; empty: none
	}{
		{"good", func(*Message) {}, by, ""},
		{"signed by another node", func(*Message) {}, other, "wrong signature"},
		{"the key of another node", func(m *Message) { m.Key = other.public() }, other, "is not that of the key"},
		{"no key", func(m *Message) { m.Key = nil }, by, "wrong signature"},
		{"old", func(m *Message) { m.At -= maxAge.Milliseconds() + 1 }, by, "clocks that agree"},
		{"of the future", func(m *Message) { m.At += maxAge.Milliseconds() + 1 }, by, "clocks that agree"},
		{"no number", func(m *Message) { m.Report.Seq = 0 }, by, "no number"},
		{"no URL", func(m *Message) { m.Internal = []string{"ftp://10.0.0.1"} }, by, "internal"},
		{"credentials in a URL", func(m *Message) { m.Internal = []string{"http://a:b@10.0.0.1"} }, by, "internal"},
		{"many URLs", func(m *Message) { m.Internal = make([]string, maxInternal+1) }, by, "too long"},
		{"a path that is no mount", func(m *Message) { m.Streams["/../x"] = local(1) }, by, "is no mount"},
		{"a page", func(m *Message) { m.Streams["/admin/x"] = local(1) }, by, "is no mount"},
		{"a long type", func(m *Message) { m.Streams["/live.mp3"].Type = strings.Repeat("x", maxText+1) }, by, "out of range"},
		{"a priority without end", func(m *Message) { m.Streams["/live.mp3"].Priority = MaxPriority + 1 }, by, "out of range"},
		{"takeovers without end", func(m *Message) { m.Streams["/live.mp3"].Takeovers = maxTakeovers + 1 }, by, "out of range"},
		{"an unknown protection", func(m *Message) { m.Streams["/live.mp3"].Protections = []relay.Protection{"x"} }, by, "out of range"},
		{"less than no pulls", func(m *Message) { m.Streams["/live.mp3"].Pulls = -1 }, by, "out of range"},
		{"a report out of range", func(m *Message) { m.Report.Listeners = -1 }, by, "out of range"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sample(by)
			c.change(m)
			payload, err := m.encode(c.signer)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decode(payload, noon)
			switch {
			case c.want == "" && (err != nil || !got.Streams["/live.mp3"].Equal(local(1)) || got.Report.Mounts["/live.mp3"] != 3):
				t.Errorf("got %+v, %v", got, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v; want %q", err, c.want)
			}
		})
	}
}

func FuzzMessage(f *testing.F) {
	by := NewIdentity()
	payload, err := sample(by).encode(by)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload[64:])
	f.Add([]byte(`{"streams":{"/x":null},"report":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Decode(append(make([]byte, 64), text...), noon)
		if err == nil {
			t.Errorf("taken without a signature: %+v", m)
		}
		_, _ = Decode(text, noon)
	})
}
