package streaming

import (
	"net/url"
	"strings"

	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/streaming/icy"
)

// maxAudioInfo is how many values of ice-audio-info are kept.
const maxAudioInfo = 16

// Info is how a source describes itself in its request. Empty fields were left out there.
// All text has gone through icy.Clean.
type Info struct {
	ContentType string // as declared, parameters and all, except that MP3 is audio/mpeg
	Subtype     string
	Name        string
	Description string
	Genre       string
	URL         string
	Bitrate     string // as the source wrote it, mostly kbit/s
	Public      *bool
	AudioInfo   string       // ice-audio-info as it came
	Audio       []AudioValue // the same in parts, in their order
	UserAgent   string
}

// AudioValue is one value of ice-audio-info.
type AudioValue struct{ Key, Value string }

// ParseInfo reads the header of a source's request. get returns the first value
// of a field, whose name it is given in lower case.
func ParseInfo(get func(name string) string) Info {
	field := func(names ...string) string {
		for _, name := range names {
			if v := icy.Clean(get(name)); v != "" {
				return v
			}
		}
		return ""
	}
	info := Info{
		ContentType: ContentType(field("content-type")),
		Name:        field("ice-name", "icy-name", "x-audiocast-name"),
		Description: field("ice-description", "icy-description", "x-audiocast-description"),
		Genre:       field("ice-genre", "icy-genre", "x-audiocast-genre"),
		URL:         field("ice-url", "icy-url", "x-audiocast-url"),
		Bitrate:     field("ice-bitrate", "icy-br", "x-audiocast-bitrate"),
		AudioInfo:   field("ice-audio-info"),
		UserAgent:   field("user-agent"),
	}
	if v := field("ice-public", "icy-pub", "icy-public", "x-audiocast-public"); v != "" {
		public := v != "0"
		info.Public = &public
	}
	info.Audio = parseAudioInfo(info.AudioInfo)
	for _, key := range []string{"bitrate", "ice-bitrate"} { // libshout writes the latter
		if info.Bitrate == "" {
			info.Bitrate = info.audio(key)
		}
	}
	return info
}

// ContentType returns the type to send for a declared one: audio/mpeg for its other names, since
// not all players accept those, else the declared one.
func ContentType(declared string) string {
	if format.Family(declared) == mpeg || format.Canonical(declared) == "application/mp3" {
		return mpeg
	}
	return declared
}

// mpeg is the registered type of MP3.
const mpeg = "audio/mpeg"

// parseAudioInfo splits "samplerate=44100;quality=3%2e5".
func parseAudioInfo(s string) []AudioValue {
	var values []AudioValue
	for pair := range strings.SplitSeq(s, ";") {
		key, value, ok := strings.Cut(pair, "=")
		if v, err := url.QueryUnescape(value); err == nil {
			value = v
		}
		key = icy.Clean(key)
		value = icy.Clean(value)
		if ok && key != "" && len(values) < maxAudioInfo {
			values = append(values, AudioValue{key, value})
		}
	}
	return values
}

func (i *Info) audio(key string) string {
	for _, v := range i.Audio {
		if v.Key == key {
			return v.Value
		}
	}
	return ""
}

// override returns i with the fields of o that are set in place of its own.
func (i Info) override(o Info) Info {
	for _, f := range []struct{ dst, src *string }{
		{&i.ContentType, &o.ContentType},
		{&i.Subtype, &o.Subtype},
		{&i.Name, &o.Name},
		{&i.Description, &o.Description},
		{&i.Genre, &o.Genre},
		{&i.URL, &o.URL},
		{&i.Bitrate, &o.Bitrate},
	} {
		if *f.src != "" {
			*f.dst = *f.src
		}
	}
	if o.Public != nil {
		i.Public = o.Public
	}
	return i
}
