package caddymodule

import (
	"fmt"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/caddycast/caddycast/streaming"
)

// Mount is what is set for one mount or, by a pattern, for many. What is left
// out is as a pattern that fits has it, else as the station's limits, else the
// default.
type Mount struct {
	// The path of the mount, such as `/live.mp3`, or a pattern, such as
	// `/*.ogg`.
	Path string `json:"path"`

	// What a source of this mount must know, in place of the station's
	// password. The user is `source` if none is given.
	SourcePassword *Credential `json:"source_password,omitempty"`

	// Listeners at a time. Default: no limit.
	MaxListeners int `json:"max_listeners,omitempty"`

	// How long one may listen. Default: no limit.
	MaxListenerDuration caddy.Duration `json:"max_listener_duration,omitempty"`

	// Whether a source may replace the one that is there, if it comes with the
	// same user. Default: it may not.
	Takeover *bool `json:"takeover,omitempty"`

	// Whether listeners may ask for this mount. Default: they may.
	Direct *bool `json:"direct,omitempty"`

	// Whether the mount is left out of public lists. Default: it is in them.
	Hidden *bool `json:"hidden,omitempty"`

	// How long listeners wait, in silence, for a source that ended to come
	// back. Default: not at all.
	Linger caddy.Duration `json:"linger,omitempty"`

	// How much of the past a new listener gets at once. Default: 64KiB.
	Burst *Burst `json:"burst,omitempty"`

	// How many bytes a listener may be behind before it is dropped; at least
	// twice the burst. Default: 524288 (512KiB).
	Queue int `json:"queue,omitempty"`

	// How long the source may be silent before it is gone. Default: 10s.
	SourceTimeout caddy.Duration `json:"source_timeout,omitempty"`

	// The stream's name, in place of what the source says. So are the next.
	Name string `json:"name,omitempty"`

	// The stream's description.
	Description string `json:"description,omitempty"`

	// The stream's genre.
	Genre string `json:"genre,omitempty"`

	// The web page of the stream.
	URL string `json:"url,omitempty"`

	// The bitrate in kbit/s that listeners are told; the stream stays as it is.
	Bitrate int `json:"bitrate,omitempty"`

	// Whether the stream wants to be in directories.
	Public *bool `json:"public,omitempty"`

	// The content type that listeners are told.
	Type string `json:"type,omitempty"`

	// The subtype, such as `vorbis`, that status pages show.
	Subtype string `json:"subtype,omitempty"`

	// The character encoding of titles, from a source that does not say its
	// own and to listeners. Default: UTF-8.
	Charset string `json:"charset,omitempty"`

	// Bytes between two metadata blocks for listeners who ask for them; 0 for
	// no metadata. Default: 16000.
	MetadataInterval *int `json:"metadata_interval,omitempty"`
}

// Burst is an amount of stream: bytes, or a time if that is not zero.
type Burst struct {
	// An amount of bytes.
	Bytes int `json:"bytes,omitempty"`

	// A time, of sound where the format tells how long it sounds.
	Time caddy.Duration `json:"time,omitempty"`
}

// minInterval is the least space between metadata blocks: with less of it the
// metadata would be most of the stream.
const minInterval = 256

func (m *Mount) validate() error {
	if err := checkMountPath(m.Path); err != nil {
		return err
	}
	if m.isPattern() {
		if _, err := path.Match(m.Path, "/"); err != nil {
			return fmt.Errorf("%q is no pattern: %w", m.Path, err)
		}
	}
	if err := notNegative(map[string]int{
		"max_listeners": m.MaxListeners, "max_listener_duration": int(m.MaxListenerDuration),
		"linger": int(m.Linger), "queue": m.Queue, "source_timeout": int(m.SourceTimeout), "bitrate": m.Bitrate,
	}); err != nil {
		return err
	}
	if i := m.MetadataInterval; i != nil && *i != 0 && (*i < minInterval || *i > 1<<20) {
		return fmt.Errorf("metadata_interval %d: write %d to %d bytes, or 0 for no metadata", *i, minInterval, 1<<20)
	}
	if m.Charset != "" {
		if _, err := htmlindex.Get(m.Charset); err != nil {
			return fmt.Errorf("charset %q is unknown; write one such as utf-8 or iso-8859-1", m.Charset)
		}
	}
	return nil
}

// checkMountPath says what is wrong with the path of a mount, or a pattern.
func checkMountPath(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return fmt.Errorf("mount %q: a mount begins with a slash, such as /live.mp3", p)
	case len(p) > maxMountPath:
		return fmt.Errorf("the name of a mount is %d characters at most", maxMountPath)
	case p == "/" || path.Clean(p) != p:
		return fmt.Errorf("mount %q: it wants a name, without empty parts or dots between its slashes", p)
	case isReserved(p):
		return fmt.Errorf("mount %q: that is the name of a page", p)
	}
	for _, r := range p {
		if r < ' ' || r == 0x7f {
			return fmt.Errorf("mount %q: no control characters", p)
		}
	}
	return nil
}

// maxMountPath is the length in bytes that no mount's path exceeds.
const maxMountPath = 255

func (m *Mount) isPattern() bool { return strings.ContainsAny(m.Path, "*?[") }

// mount returns what is set for the mount at a path, with all that fits merged.
func (s *Station) mount(p string) Mount {
	merged := Mount{Path: p}
	for _, m := range s.Mounts {
		if m.Path == p {
			merged.fill(m)
		}
	}
	for _, m := range s.Mounts {
		if ok, _ := path.Match(m.Path, p); ok && m.isPattern() && m.Path != p {
			merged.fill(m)
		}
	}
	return merged
}

// fill takes from d what is not set in m.
func (m *Mount) fill(d *Mount) {
	dst, src := reflect.ValueOf(m).Elem(), reflect.ValueOf(d).Elem()
	for i := range dst.NumField() {
		if dst.Field(i).IsZero() {
			dst.Field(i).Set(src.Field(i))
		}
	}
}

// settings translates the station for the engine.
func (s *Station) settings() *streaming.Settings {
	return &streaming.Settings{
		Identity: streaming.Identity{
			Name: s.Name, Location: s.Location, Contact: s.Contact, Hostname: s.Hostname,
		},
		MaxListeners: s.Limits.Listeners,
		MaxSources:   s.Limits.Sources,
		Latency:      time.Duration(s.Limits.Latency),
		Mount:        s.mountSettings,
	}
}

// mountSettings translates one mount for the engine.
func (s *Station) mountSettings(p string) streaming.MountSettings {
	m := s.mount(p)
	m.fill(&Mount{Burst: s.Limits.Burst, Queue: s.Limits.Queue, SourceTimeout: s.Limits.SourceTimeout})
	settings := streaming.MountSettings{
		MaxListeners:        m.MaxListeners,
		MaxListenerDuration: time.Duration(m.MaxListenerDuration),
		SourceTimeout:       time.Duration(m.SourceTimeout),
		Linger:              time.Duration(m.Linger),
		Queue:               m.Queue,
		Takeover:            is(m.Takeover, true),
		Hidden:              is(m.Hidden, true),
		NoDirect:            is(m.Direct, false),
		Charset:             m.Charset,
		Override: streaming.Info{
			ContentType: m.Type,
			Subtype:     m.Subtype,
			Name:        m.Name,
			Description: m.Description,
			Genre:       m.Genre,
			URL:         m.URL,
			Public:      m.Public,
		},
	}
	if m.Bitrate > 0 {
		settings.Override.Bitrate = fmt.Sprint(m.Bitrate)
	}
	if b := m.Burst; b != nil {
		settings.Burst = streaming.Burst{Bytes: b.Bytes, Time: time.Duration(b.Time)}
		settings.NoBurst = *b == Burst{}
	}
	if i := m.MetadataInterval; i != nil {
		if settings.MetadataInterval = *i; *i == 0 {
			settings.MetadataInterval = -1
		}
	}
	return settings
}

// is tells whether a switch is set, to that value.
func is(b *bool, value bool) bool { return b != nil && *b == value }
