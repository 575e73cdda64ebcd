package relay

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestEventsOfAList(t *testing.T) {
	lines := 0
	r := newEventReader(strings.NewReader(": hello\n\nevent: list\nid: e-1\ndata: #\ndata: /a\n\n:\nevent: changes\nid:e-2\ndata: +/b\r\ndata: -/a\n\nevent: nothing\n\ndata: cut"), func() { lines++ })
	var all []listEvent
	for {
		event, err := r.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			break
		}
		all = append(all, event)
	}
	want := []listEvent{{"list", "e-1", []string{"#", "/a"}}, {"changes", "e-2", []string{"+/b", "-/a"}}}
	if !reflect.DeepEqual(all, want) || lines != 16 {
		t.Errorf("%d lines, %q; want %q", lines, all, want)
	}
	endless := newEventReader(io.MultiReader(strings.NewReader(strings.Repeat("data: "+strings.Repeat("x", 4000)+"\n", maxList/4000+1))), func() {})
	if _, err := endless.next(); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("an event without end: %v", err)
	}
}

func TestAnEventIsAppliedToTheList(t *testing.T) {
	base, _ := url.Parse("http://master")
	list, err := readLines([]string{"/a", "/b\tauth"}, base)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		event   string
		data    string
		hasList bool
		want    string
		there   string // mounts that the changes say are there
		err     error
	}{
		{"the whole list", "list", "#\n/c", true, "/c", "", nil},
		{"the first list", "list", "#\n/c", false, "/c", "", nil},
		{"an empty list", "list", "#", true, "", "", nil},
		{"a mount more", "changes", "#\n+/c\ttls", true, "/a /b[auth] /c[tls]", "/c", nil},
		{"a mount less", "changes", "-/a", true, "/b[auth]", "", nil},
		{"a mount that comes and goes", "changes", "+/c\n-/c\n+/d", true, "/a /b[auth] /d", "/d", nil},
		{"a mount that goes and comes", "changes", "-/a\n+/a\n+/d", true, "/b[auth] /a /d", "/a /d", nil},
		{"a mount less that is not there", "changes", "-/z", true, "/a /b[auth]", "", nil},
		{"other marks", "changes", "+/b", true, "/a /b", "/b", nil},
		{"no path", "changes", "+http://[\n-b\nc\n", true, "/a /b[auth]", "", nil},
		{"changes of nothing", "changes", "+/c", false, "", "", errNoList},
		{"an event of a later version", "order", "+/c", true, "/a /b[auth]", "", nil},
	} {
		got, there, err := listEvent{name: tt.event, data: strings.Split(tt.data, "\n")}.applyTo(list, tt.hasList, base)
		var texts []string
		for _, l := range got {
			text := l.mount
			if len(l.protections) > 0 {
				text += fmt.Sprint(l.protections)
			}
			texts = append(texts, text)
		}
		if s := strings.Join(texts, " "); s != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, s, err, tt.want, tt.err)
		}
		if more := strings.Join(there, " "); more != tt.there {
			t.Errorf("%s: %q are there; want %q", tt.name, more, tt.there)
		}
	}
}

func FuzzListEvents(f *testing.F) {
	f.Add("event: list\nid: e-1\ndata: #\ndata: /a\n\nevent: changes\nid:e-2\ndata: +/b\tauth\ndata: -/a\n\n")
	base, _ := url.Parse("http://master/radio")
	f.Fuzz(func(t *testing.T, text string) {
		r := newEventReader(strings.NewReader(text), func() {})
		var list []listed
		for range 100 {
			event, err := r.next()
			if err != nil {
				return
			}
			if after, _, err := event.applyTo(list, list != nil, base); err == nil {
				list = after
			}
			if len(list) > maxMounts {
				t.Fatalf("%d mounts", len(list))
			}
		}
	})
}
