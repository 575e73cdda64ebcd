package caddymodule

import (
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
)

func TestBurstIsATimeIfItCanBeOne(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Burst
	}{
		{"off", Burst{}},
		{"0", Burst{}},
		{"0s", Burst{}},
		{"0KiB", Burst{}},
		{"64KiB", Burst{Bytes: 64 << 10}},
		{"500", Burst{Bytes: 500}},
		{"5s", Burst{Time: caddy.Duration(5 * time.Second)}},
		{"5m", Burst{Time: caddy.Duration(5 * time.Minute)}}, // minutes,
		{"5M", Burst{Bytes: 5e6}},                            // megabytes
	} {
		b, err := readBurst(tt.text)
		if err != nil || *b != tt.want {
			t.Errorf("%q: %+v, %v; want %+v", tt.text, b, err, tt.want)
		}
	}
}

// readBurst reads a value as it would stand after the word.
func readBurst(value string) (*Burst, error) {
	d := caddyfile.NewTestDispenser("burst `" + value + "`")
	d.Next()
	var b *Burst
	err := burst(d, &b)()
	return b, err
}

// FuzzBurst: any value is an amount of one kind within its bounds, or an error
// that quotes it and says what would be right.
func FuzzBurst(f *testing.F) {
	for _, seed := range []string{"off", "0", "64KiB", "5s", "-5s", "5m", "lots", "64KiB 5s", "{", "\\", "1,5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "`\r") || s == "" || !utf8.ValidString(s) { // not as the quotes let it through
			return
		}
		b, err := readBurst(s)
		if err != nil {
			if text := err.Error(); !strings.Contains(text, strconv.Quote(s)) || !strings.Contains(text, "expected a size") {
				t.Errorf("%q: the error says %q", s, text)
			}
			return
		}
		if b.Bytes < 0 || b.Bytes > setting.MaxSize || b.Time < 0 || b.Bytes > 0 && b.Time > 0 {
			t.Errorf("%q: %+v", s, *b)
		}
	})
}
