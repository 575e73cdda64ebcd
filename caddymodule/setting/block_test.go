package setting_test

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
)

// parse parses a block that has some directives of each kind.
func parse(text string) error {
	var name string
	var hidden *bool
	d := caddyfile.NewTestDispenser(text)
	d.Next()
	return setting.ParseBlock(d, "mount /live.mp3", setting.Directives{
		"name": setting.Text(d, &name), "hidden": setting.Flag(d, &hidden),
		"fallback": setting.Text(d, &name), "fallback_when_full": setting.Flag(d, &hidden), "url": setting.Text(d, &name),
	})
}

func TestErrorsOfABlock(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"mount {\n name x\n hidden\n fallback a\n fallback b\n}", ""},
		{"mount", ""},
		{"mount {\n fallbck /a\n}", `mount /live.mp3: unknown directive "fallbck"; did you mean "fallback"?`},
		{"mount {\n fallback-when_full\n}", `mount /live.mp3: unknown directive "fallback-when_full"; did you mean "fallback_when_full"?`},
		{"mount {\n Hidden\n}", `mount /live.mp3: unknown directive "Hidden"; did you mean "hidden"?`},
		{"mount {\n hiddne\n}", `mount /live.mp3: unknown directive "hiddne"; did you mean "hidden"?`},
		{"mount {\n ul x\n}", `mount /live.mp3: unknown directive "ul"; expected one of: fallback, fallback_when_full, hidden, name, url`},
		{"mount {\n urls x\n}", `mount /live.mp3: unknown directive "urls"; did you mean "url"?`},
		{"mount {\n bitrate 128\n}", `mount /live.mp3: unknown directive "bitrate"; expected one of: fallback, fallback_when_full, hidden, name, url`},
		{"mount {\n " + strings.Repeat("x", 200) + "\n}", `expected one of: `},
		{"mount {\n name a\n name b\n}", `mount /live.mp3: duplicate directive name`},
		{"mount x {\n}", `mount /live.mp3: unexpected argument "x"; expected a block`},
		{"mount {\n hidden {\n }\n}", `mount /live.mp3: unexpected block after hidden`},
		{"mount {\n name\n}", `mount /live.mp3: name: missing value; expected one, such as name "some text"`},
		{"mount {\n name a b\n}", `mount /live.mp3: name: 2 values; expected one, such as name "some text"`},
		{"mount {\n hidden maybe\n}", `mount /live.mp3: hidden: invalid value "maybe"; expected hidden alone, or hidden off`},
	} {
		err := parse(tt.text)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func FuzzSuggest(f *testing.F) {
	for _, s := range []string{"", "x", "fallbck", "fallback", "\xff\x00", strings.Repeat("fallback", 9)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		known := []string{"fallback", "hidden", "url"}
		text := setting.Suggest("unknown directive", name, known)
		if strings.ContainsAny(text, "\x00\r\n") || !strings.HasPrefix(text, "unknown directive ") {
			t.Errorf("%q: %q", name, text)
		}
	})
}
