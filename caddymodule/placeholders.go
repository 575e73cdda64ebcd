package caddymodule

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"
)

// replacePlaceholders fills in what is known when the configuration is loaded, such as
// {env.NAME} and {file.PATH}, in all settings that are plain texts. Other strings have their
// own rules: credentials and upstreams, in which an unknown placeholder is an error; programs and
// hooks, whose placeholders are those of an event; names of mounts and keywords, which have none.
func (s *Station) replacePlaceholders() error {
	repl := caddy.NewReplacer()
	replace := func(texts ...*string) {
		for _, text := range texts {
			*text = repl.ReplaceKnown(*text, "")
		}
	}
	replace(s.texts()...)
	for i, m := range s.Mounts {
		if m == nil {
			return fmt.Errorf("mounts: entry %d is null; expected an object with a path", i+1)
		}
		replace(m.texts()...)
	}
	return nil
}

// texts returns the settings in which placeholders are replaced.
func (s *Station) texts() []*string {
	texts := []*string{&s.Name, &s.Location, &s.Contact, &s.Hostname, &s.Templates}
	if s.Slave != nil {
		for i := range s.Slave.Public {
			texts = append(texts, &s.Slave.Public[i])
		}
	}
	if s.Peer != nil {
		for _, bases := range [][]string{s.Peer.Public, s.Peer.Internal} {
			for i := range bases {
				texts = append(texts, &bases[i])
			}
		}
	}
	return texts
}

// texts returns the settings in which placeholders are replaced.
func (m *Mount) texts() []*string {
	texts := []*string{&m.Name, &m.Description, &m.Genre, &m.URL, &m.ListenURL, &m.Type, &m.Subtype, &m.Titles, &m.Charset}
	if m.HLS != nil {
		texts = append(texts, &m.HLS.SegmentsFrom)
	}
	if m.Intro != nil {
		texts = append(texts, m.Intro)
	}
	if m.Dump != nil {
		texts = append(texts, &m.Dump.Pattern)
	}
	return texts
}
