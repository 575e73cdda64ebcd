//go:build linux

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTemplatesAreFilledIn(t *testing.T) {
	s := settings{
		Title: "T", Dir: "/d", Config: "/d/config", Port: 1, TLSPort: 2, AdminPort: 3, TLS: true, Wrapped: true,
		Certificate: "/c", Key: "/k", Both: "/b", SourcePassword: "sp", AdminPassword: "ap", Listeners: 4, Sources: 5, User: "u",
	}
	plain := s
	plain.TLS = false
	for _, c := range []struct {
		name, text string
		settings   settings
		has, lacks []string
	}{
		{
			"caddycast", caddyfile, s,
			[]string{"admin 127.0.0.1:3", "listener_wrappers", "listeners 4", "https://localhost:2", "tls /c /k"},
			nil,
		},
		{"plain caddycast", caddyfile, plain, []string{"http://:1 {"}, []string{"tls ", "listener_wrappers"}},
		{"icecast2", icecastXML, s, []string{"<clients>4<", "<port>2<", "<ssl>1<", "<ssl-certificate>/b<", "<user>u<", "<logdir>/d<"}, nil},
		{"plain icecast2", icecastXML, plain, []string{"<port>1<"}, []string{"<ssl"}},
	} {
		got, err := fill(c.name, c.text, c.settings)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, want := range c.has {
			if !strings.Contains(got, want) {
				t.Errorf("%s: there is no %q in\n%s", c.name, want, got)
			}
		}
		for _, wrong := range c.lacks {
			if strings.Contains(got, wrong) {
				t.Errorf("%s: there is %q in\n%s", c.name, wrong, got)
			}
		}
	}
}

func TestNoValueOfACommandIsSplit(t *testing.T) {
	k := serverKind{name: "k", command: "server -c {{.Config}} -p={{.Port}}"}
	words, err := k.words(settings{Config: "/with blanks/c", Port: 8})
	if want := []string{"server", "-c", "/with blanks/c", "-p=8"}; err != nil || !slices.Equal(words, want) {
		t.Errorf("%q, %v", words, err)
	}
	for _, command := range []string{"", "server {{.Nonsense}}", "server {{ .Config }}"} {
		if _, err := (serverKind{command: command}).words(settings{}); err == nil {
			t.Errorf("%q is taken for a command", command)
		}
	}
}

func TestServersByFlags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kh.xml")
	if err := os.WriteFile(path, []byte("<port>{{.Port}}</port>"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := parse([]string{"-server", "kh=icecast-kh -c {{.Config}}", "-template", "kh=" + path, "-servers", "kh,icecast2", "-run", "^(tls|reload|steady)-1000$"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range o.scenarios {
		for _, k := range o.servers {
			if s.takesPart(k) {
				names = append(names, s.name+" "+k.name)
			}
		}
	}
	if want := []string{"steady-1000 kh", "steady-1000 icecast2", "tls-1000 icecast2"}; !slices.Equal(names, want) {
		t.Errorf("there would be %q", names)
	}
	for _, args := range [][]string{
		{"-servers", "nobody"},
		{"-run", "nothing"},
		{"-run", "("},
		{"-server", "kh"},
		{"-template", "kh=" + path},
		{"steady-1000"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}
