package recording

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPatterns(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.FixedZone("CET", 3600))
	for _, tt := range []struct{ pattern, mount, want string }{
		{"/r/x.mp3", "/m", "/r/x.mp3"},
		{"/r/%Y/%m/%d/%H%M%S.mp3", "/m", "/r/2026/02/03/040506.mp3"},
		{"%F_%T_%j_%y%e%I%p", "/m", "2026-02-03_04:05:06_034_26 304AM"},
		{"%a %A %b %B %h %z %Z %R", "/m", "Tue Tuesday Feb February Feb +0100 CET 04:05"},
		{"100%%-%s", "/m", "100%-1770087906"},
		{"%%Y", "/m", "%Y"},
		{"{mount}.mp3", "/a/b.mp3", "a_b.mp3.mp3"},
		{"/r/{mount}", "/../../etc", "/r/_._.._etc"},
		{"/r/{mount}", "/%Y{mount}", "/r/%Y{mount}"},
		{"/r/{mount}", "/.hidden", "/r/_hidden"},
		{"/r/{mount}", `/a\b:c` + "\x01", "/r/a_b_c_"},
		{"/r/{mount}", "/" + strings.Repeat("é", 127), "/r/" + strings.Repeat("é", 100)},
	} {
		p, err := Parse(tt.pattern)
		if err != nil {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		if got := p.Expand(tt.mount, at); got != tt.want {
			t.Errorf("%q of %q: %q, want %q", tt.pattern, tt.mount, got, tt.want)
		}
	}
	for _, text := range []string{"", "/r/", "a\x00b", "%", "x%", "%Q", "%Y%"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q is a pattern", text)
		}
	}
}

// The name of a mount can't leave the folder of the pattern.
func FuzzExpand(f *testing.F) {
	f.Add("/srv/%Y/{mount}.mp3", "/../x")
	f.Add("/srv/{mount}%%", "/%Y{mount}")
	f.Add("/srv/%s{mount}", "/.")
	f.Fuzz(func(t *testing.T, pattern, mount string) {
		if _, err := Parse(pattern); err != nil {
			return
		}
		name := fileName(mount)
		if strings.ContainsAny(name, "/\x00") || strings.HasPrefix(name, ".") || len(name) > maxName {
			t.Errorf("%q becomes %q", mount, name)
		}
		p, err := Parse("/srv/{mount}.mp3")
		if err != nil {
			t.Fatal(err)
		}
		if got := filepath.Dir(p.Expand(mount, time.Now())); got != "/srv" {
			t.Errorf("%q goes to %q", mount, got)
		}
	})
}
