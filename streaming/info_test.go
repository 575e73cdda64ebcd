package streaming

import (
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestWhatASourceSaysOfItself(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name   string
		header map[string]string
		want   Info
	}{
		{"nothing", nil, Info{}},
		{"Icecast's fields", map[string]string{
			"content-type": "audio/mpeg", "ice-name": "N", "ice-description": "D", "ice-genre": "G",
			"ice-url": "U", "ice-bitrate": "128", "ice-public": "1", "user-agent": "A",
		}, Info{ContentType: "audio/mpeg", Name: "N", Description: "D", Genre: "G", URL: "U", Bitrate: "128", Public: &yes, UserAgent: "A"}},
		{"another name of MP3", map[string]string{"content-type": "Audio/MP3; rate=1"}, Info{ContentType: "audio/mpeg"}},
		{"a name of MP3 that is none", map[string]string{"content-type": "application/mp3"}, Info{ContentType: "audio/mpeg"}},
		{"another name of AAC", map[string]string{"content-type": "audio/aacp"}, Info{ContentType: "audio/aacp"}},
		{"SHOUTcast's fields", map[string]string{"icy-name": "N", "icy-br": "64", "icy-pub": "0"}, Info{Name: "N", Bitrate: "64", Public: &no}},
		{"older fields still", map[string]string{"x-audiocast-name": "N", "x-audiocast-bitrate": "32"}, Info{Name: "N", Bitrate: "32"}},
		{"the newest word wins", map[string]string{"ice-name": "new", "icy-name": "old"}, Info{Name: "new"}},
		{"audio info", map[string]string{"ice-audio-info": "ice-bitrate=96;quality=3%2e5;channels"}, Info{
			Bitrate: "96", AudioInfo: "ice-bitrate=96;quality=3%2e5;channels",
			Audio: []AudioValue{{"ice-bitrate", "96"}, {"quality", "3.5"}},
		}},
		{"line ends and other controls", map[string]string{"ice-name": "a\r\nb: c\x00"}, Info{Name: "a  b: c"}},
	} {
		got := ParseInfo(func(name string) string { return c.header[name] })
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func FuzzParseInfo(f *testing.F) {
	f.Add("samplerate=44100;quality=3%2e5")
	f.Add(";;=;a=%zz;" + strings.Repeat("k=v;", 100))
	f.Add("\xff=\r\n;ice-bitrate=1")
	f.Fuzz(func(t *testing.T, s string) {
		info := ParseInfo(func(string) string { return s })
		if len(info.Audio) > maxAudioInfo {
			t.Errorf("%d values", len(info.Audio))
		}
		texts := []string{info.Name, info.AudioInfo, info.Bitrate, info.ContentType}
		for _, v := range info.Audio {
			texts = append(texts, v.Key, v.Value)
		}
		for _, text := range texts {
			if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("%q is not clean", text)
			}
		}
	})
}
