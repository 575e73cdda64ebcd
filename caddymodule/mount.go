package caddymodule

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"path"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/streaming/icy"
	"github.com/caddyserver/caddy/v2"
	"golang.org/x/text/encoding/htmlindex"
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
	SourcePassword *auth.Credential `json:"source_password,omitempty"`

	// Listeners at a time; 0 for no limit, which is the default.
	MaxListeners *int `json:"max_listeners,omitempty"`

	// How long one may listen; 0 for no limit, which is the default.
	MaxListenerDuration *caddy.Duration `json:"max_listener_duration,omitempty"`

	// How many kbit/s may go to the mount's listeners together, by the bitrate of
	// what they hear; 0 for no limit, which is the default.
	MaxBandwidth *int `json:"max_bandwidth,omitempty"`

	// Whether a source may replace the one that is there, if it comes with the
	// same user. Default: it may not.
	Takeover *bool `json:"takeover,omitempty"`

	// Whether listeners who come by plain HTTP are sent to HTTPS. Default: they are
	// not, since old players know no HTTPS.
	RequireTLS *bool `json:"require_tls,omitempty"`

	// `required`: sources and titles that come by plain HTTP are refused, so that no
	// password is sent in clear. Default, or `off`: they may.
	SourceTLS string `json:"source_tls,omitempty"`

	// Whether listeners may ask for this mount. Default: they may.
	Direct *bool `json:"direct,omitempty"`

	// Whether the mount is left out of public lists. Default: it is in them.
	Hidden *bool `json:"hidden,omitempty"`

	// Whether it is left out of the list for slaves, too. Default: it is in it.
	HiddenFromSlaves *bool `json:"hidden_from_slaves,omitempty"`

	// How long listeners wait, in silence, for a source that ended to come
	// back. Default: 0, which is not at all.
	Linger *caddy.Duration `json:"linger,omitempty"`

	// What listeners hear while the source is away, the first that has sound.
	FallbacksRaw []json.RawMessage `json:"fallbacks,omitempty" caddy:"namespace=icecast.fallbacks inline_key=kind"`

	// Whether listeners for whom there is no place are sent to the first
	// fallback that is a mount and has one. Default: they are refused.
	FallbackWhenFull *bool `json:"fallback_when_full,omitempty"`

	// Whether listeners come back when the source, or a better fallback, does.
	// Default: they do.
	Override *bool `json:"override,omitempty"`

	// How long the source must have been back before listeners are. Default: 0.
	ReturnAfter *caddy.Duration `json:"return_after,omitempty"`

	// A file that each listener hears before the stream, if it is of the stream's
	// type; empty for none, which is the default. It is read again when it changes.
	Intro *string `json:"intro,omitempty"`

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

	// Who says who may listen, and perhaps who may send; `{"kind": "off"}` where what a
	// pattern has shall not count. Default: all may listen.
	AuthRaw json.RawMessage `json:"auth,omitempty" caddy:"namespace=icecast.auth inline_key=kind"`

	// What is to happen upon events of the mount, besides what the station has.
	On []*hook.Hook `json:"on,omitempty"`

	// A program that runs when a source connects, with the mount as its
	// argument; short for a hook.
	OnConnect string `json:"on_connect,omitempty"`

	// A program that runs when a source is gone, with the mount as its
	// argument.
	OnDisconnect string `json:"on_disconnect,omitempty"`

	// Where what the source sends is recorded. Default: it is not.
	Dump *Dump `json:"dump,omitempty"`
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

// validate refuses values that no setting can mean.
func (m *Mount) validate() error {
	return cmp.Or(
		setting.CheckRange("max_listeners", setting.Value(m.MaxListeners), math.MaxInt),
		setting.CheckRange("max_listener_duration", setting.Value(m.MaxListenerDuration), math.MaxInt64),
		setting.CheckRange("max_bandwidth", setting.Value(m.MaxBandwidth), setting.MaxBandwidth),
		setting.CheckRange("linger", setting.Value(m.Linger), math.MaxInt64),
		setting.CheckRange("return_after", setting.Value(m.ReturnAfter), math.MaxInt64),
		m.checkSourceTLS(),
		m.checkOn(),
		setting.CheckRange("queue", m.Queue, setting.MaxSize),
		setting.CheckRange("source_timeout", m.SourceTimeout, math.MaxInt64),
		setting.CheckRange("bitrate", m.Bitrate, math.MaxInt),
		m.Burst.validate(),
		checkInterval(setting.Value(m.MetadataInterval)),
		m.checkCharset(),
		m.checkType(),
		m.Dump.validate(),
	)
}

// checkPath says what is wrong with the path or the pattern.
func (m *Mount) checkPath() error {
	err := mountpath.Check(m.Path)
	if _, bad := path.Match(m.Path, "/"); err == nil && bad != nil && mountpath.IsPattern(m.Path) {
		err = errors.New(`that is no pattern; a "[" wants its "]", and a backslash something after it`)
	}
	if err != nil {
		return fmt.Errorf("mount %q: %w", m.Path, err)
	}
	return nil
}

// checkType refuses a content type that browsers could take for another one.
func (m *Mount) checkType() error {
	if m.Type == "" || strings.Contains(m.Type, "{") { // a placeholder
		return nil
	}
	if _, _, err := mime.ParseMediaType(m.Type); err != nil || format.Canonical(m.Type) == format.OctetStream && m.Type != format.OctetStream {
		return fmt.Errorf("type %q: invalid content type; expected one type and subtype such as audio/mpeg", m.Type)
	}
	return nil
}

func (m *Mount) checkCharset() error {
	if m.Charset == "" {
		return nil
	}
	if _, err := htmlindex.Get(m.Charset); err != nil {
		return fmt.Errorf("charset %q: write one that is known, such as utf-8 or iso-8859-1", m.Charset)
	}
	return nil
}

// intervals says which spaces there may be between metadata blocks.
var intervals = fmt.Sprintf("a number of bytes from %d to %d", minInterval, icy.MaxInterval)

// checkInterval says what is wrong with the space between metadata blocks.
func checkInterval(n int) error {
	if n != 0 && (n < minInterval || n > icy.MaxInterval) {
		return fmt.Errorf("metadata_interval %d: write %s, or 0 for no metadata", n, intervals)
	}
	return nil
}

func (b *Burst) validate() error {
	if b == nil {
		return nil
	}
	return cmp.Or(setting.CheckRange("burst: bytes", b.Bytes, setting.MaxSize), setting.CheckRange("burst: time", b.Time, math.MaxInt64))
}

// checkOn refuses events that no mount has.
func (m *Mount) checkOn() error {
	for _, h := range m.On {
		if h == nil {
			continue
		}
		for _, e := range h.Events {
			if e == hooks.SlaveJoined || e == hooks.SlaveLeft {
				return fmt.Errorf("on %s: that is about the whole station; write it there, outside of mount", e)
			}
		}
	}
	return nil
}

// tlsRequired is what source_tls says to keep passwords from being sent in clear.
const tlsRequired = "required"

// checkSourceTLS refuses what source_tls can't say.
func (m *Mount) checkSourceTLS() error {
	if m.SourceTLS != "" && m.SourceTLS != tlsRequired && m.SourceTLS != "off" {
		return errors.New("source_tls: write source_tls required, or source_tls off where a pattern says required")
	}
	return nil
}
