package caddymodule

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/hook"
)

// Mount is the settings of one mount or, by a pattern, of many. A field that is left out
// has the value of the first matching pattern that sets it, else that of the station's
// limits, else its default.
type Mount struct {
	// The path of the mount, such as `/live.mp3`, or a pattern, such as
	// `/*.ogg`.
	Path string `json:"path"`

	// The credentials of sources of this mount, in place of the station's. Default
	// user: `source`.
	SourcePassword *auth.Credential `json:"source_password,omitempty"`

	// The number of concurrent listeners. Default: 0, no limit.
	MaxListeners *int `json:"max_listeners,omitempty"`

	// How long one connection may listen. Default: 0, no limit.
	MaxListenerDuration *caddy.Duration `json:"max_listener_duration,omitempty"`

	// The bandwidth of the mount's listeners together in kbit/s, by the bitrate of
	// their stream. Default: 0, no limit.
	MaxBandwidth *int `json:"max_bandwidth,omitempty"`

	// Whether a new source replaces the current one if both log in as the same user.
	// Default: false.
	Takeover *bool `json:"takeover,omitempty"`

	// Whether listeners over plain HTTP are redirected to HTTPS. Default: false, since
	// old players have no HTTPS.
	RequireTLS *bool `json:"require_tls,omitempty"`

	// `required`: sources and titles over plain HTTP are refused, so that no password
	// is sent unencrypted. Default: `off`, they are allowed.
	SourceTLS string `json:"source_tls,omitempty"`

	// Whether listeners may request this mount; if not, it serves as a fallback only.
	// Default: true.
	Direct *bool `json:"direct,omitempty"`

	// Whether the mount is hidden from public lists. Default: false.
	Hidden *bool `json:"hidden,omitempty"`

	// Whether the mount is hidden from slaves, too. Default: false.
	HiddenFromSlaves *bool `json:"hidden_from_slaves,omitempty"`

	// How long listeners wait, in silence, for a source that has disconnected to
	// reconnect. Default: 0; for relays 10s.
	Linger *caddy.Duration `json:"linger,omitempty"`

	// The fallbacks: what listeners hear while the source is away. The first that has
	// sound plays. Default: none.
	FallbacksRaw []json.RawMessage `json:"fallbacks,omitempty" caddy:"namespace=icecast.fallbacks inline_key=kind"`

	// Whether listeners beyond a limit are served by the first fallback mount with
	// room. Default: false, they are refused.
	FallbackWhenFull *bool `json:"fallback_when_full,omitempty"`

	// Whether listeners return when the source, or a better fallback, is back.
	// Default: true.
	Override *bool `json:"override,omitempty"`

	// How long the source must be back before listeners return. Default: 0.
	ReturnAfter *caddy.Duration `json:"return_after,omitempty"`

	// The path of a file that each listener hears before the stream, if it has the
	// stream's content type. It is read again when it changes. Empty: no intro, even
	// if a pattern sets one. Default: none.
	Intro *string `json:"intro,omitempty"`

	// How much of the past stream a new listener gets at once. Default: 64KiB.
	Burst *Burst `json:"burst,omitempty"`

	// How many bytes a listener may be behind before it is disconnected; at least
	// twice the burst. Default: 524288 (512KiB).
	Queue int `json:"queue,omitempty"`

	// How long the source may be silent before it is disconnected. Default: 10s.
	SourceTimeout caddy.Duration `json:"source_timeout,omitempty"`

	// The stream's name. Default for this and the following: what the source sends.
	Name string `json:"name,omitempty"`

	// The stream's description.
	Description string `json:"description,omitempty"`

	// The stream's genre.
	Genre string `json:"genre,omitempty"`

	// The web page of the stream.
	URL string `json:"url,omitempty"`

	// The URL by which listeners hear the mount, in statistics, playlists and pages: that of a
	// proxy or a CDN, for example. `{mount}` in it is the path of the mount; a pattern needs it.
	// Default: the URL of the mount on the site of the request.
	ListenURL string `json:"listen_url,omitempty"`

	// The bitrate in kbit/s that is shown to listeners. The stream does not change.
	Bitrate int `json:"bitrate,omitempty"`

	// Whether the stream may be listed in directories.
	Public *bool `json:"public,omitempty"`

	// The content type that is sent to listeners.
	Type string `json:"type,omitempty"`

	// The subtype that status pages show, such as `vorbis`.
	Subtype string `json:"subtype,omitempty"`

	// How titles reach listeners. `chain`: titles of Ogg are written into the
	// stream, by a new link of the chain; other formats have ICY metadata. `icy`: all
	// formats have ICY metadata, for listeners that request it, and nothing is written
	// into streams. `off`: titles are shown on status pages and sent to hooks only.
	// Default: `chain`.
	Titles string `json:"titles,omitempty"`

	// The character encoding of titles: to listeners, and from sources that do not
	// declare one. Default: UTF-8.
	Charset string `json:"charset,omitempty"`

	// The number of bytes between two metadata blocks, for listeners that request
	// metadata: from 256 to 1048576; 0 means no metadata. Default: 16000.
	MetadataInterval *int `json:"metadata_interval,omitempty"`

	// The authentication of listeners and, with some modules, of sources.
	// `{"kind": "off"}` removes the authentication of a pattern. Default: none, all
	// may listen.
	AuthRaw json.RawMessage `json:"auth,omitempty" caddy:"namespace=icecast.auth inline_key=kind"`

	// Hooks: actions upon events of the mount, in addition to those of the station and
	// of patterns.
	On []*hook.Hook `json:"on,omitempty"`

	// The path of a program that runs when a source connects, with the mount as
	// its argument. Short for a hook. Default: none.
	OnConnect string `json:"on_connect,omitempty"`

	// The path of a program that runs when a source disconnects, with the mount as
	// its argument. Short for a hook. Default: none.
	OnDisconnect string `json:"on_disconnect,omitempty"`

	// HTTP Live Streaming of the mount, beside the stream. Default: none.
	HLS *HLS `json:"hls,omitempty"`

	// The recording of the source's stream. Default: none.
	Dump *Dump `json:"dump,omitempty"`
}

// Burst is an amount of stream: a time if that is not zero, else a number of bytes.
type Burst struct {
	// The number of bytes. 0 without a time: no burst.
	Bytes int `json:"bytes,omitempty"`

	// The time: of sound if the format has durations, else of arrival. Default: 0, the
	// number of bytes counts.
	Time caddy.Duration `json:"time,omitempty"`
}
