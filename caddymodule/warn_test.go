package caddymodule_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// Everything that a configuration names is looked up when it is loaded, and a line of the log says
// where what is missing is named.
func TestWhatIsNamedAndMissingIsLoggedWhenItIsLoaded(t *testing.T) {
	dir := t.TempDir()
	there := filepath.Join(dir, "there.mp3")
	if err := os.WriteFile(there, []byte(moduletest.MP3), 0o755); err != nil {
		t.Fatal(err)
	}
	const missing = "the configuration names what is missing or unusable"
	for _, c := range []struct{ name, station, want string }{
		{"a fallback file", `mount /m { fallback file DIR/gone.mp3 }`, missing + "|fallback|/m|DIR/gone.mp3"},
		{"one of two fallback files", `mount /m { fallback file DIR/there.mp3 DIR/gone.mp3 }`, missing + "|fallback|/m|DIR/gone.mp3"},
		{"a pattern without files", `mount /m { fallback file DIR/*.ogg }`, missing + "|fallback|/m|DIR/*.ogg"},
		{"a fallback file that is there", `mount /m { fallback file DIR/there.mp3 DIR DIR/*.mp3 }`, ""},
		{"an intro", `mount /m { intro DIR/gone.mp3 }`, missing + "|intro|/m|DIR/gone.mp3"},
		{"a program", `mount /m { on_connect DIR/gone }`, missing + "|on_connect|/m|DIR/gone"},
		{"a program in PATH", `mount /m { on_disconnect surely-no-program }`, missing + "|on_disconnect|/m|surely-no-program"},
		{"a program of the station", `on source_connected exec DIR/gone {event.mount}`, missing + "|on||DIR/gone"},
		{"a program that is there", `mount /m { on_connect DIR/there.mp3 }`, ""},
		{"the folder of a recording", `mount /m { dump DIR/gone/%Y/x.mp3 }`, missing + "|dump|/m|DIR/gone"},
		{"the folder of a recording that is a file", `mount /m { dump DIR/there.mp3/x-{mount}.mp3 }`, missing + "|dump|/m|DIR/there.mp3"},
		{"the folder of a recording that is there", `mount /m { dump DIR/%Y/x.mp3 }`, ""},
		{"a list of addresses", `deny file DIR/gone`, missing + "|deny file||DIR/gone"},
		{"a list of players", `allow agent_file DIR/gone`, missing + "|allow agent_file||DIR/gone"},
		{"a fallback to itself", `mount /m { fallback /m }`, "fallback to the mount itself is never heard|/m"},
		{"a fallback of a pattern to a mount of it", `mount /* { fallback /m }`, ""},
		{"a short queue", `limits { queue 100KiB }`, "queue is less than twice the burst, and is enlarged to that||102400|65536"},
		{"a large burst", `mount /m { burst 1MiB }
		limits { queue 1MiB }`, "queue is less than twice the burst, and is enlarged to that|/m|1048576|1048576"},
		{"a queue that is large enough", `limits { queue 128KiB }
		mount /m { burst 5s }`, ""},
		{"a group with a rewind in part", `mount /*.aac { hls }
		mount /a.aac { hls { rewind 1h } }
		hls /g.m3u8 { mounts /a.aac /b.aac }`, "an HLS group has no rewind, since not all of its mounts have one|/g.m3u8|/b.aac"},
		{"a group with a rewind", `mount /*.aac { hls { rewind 1h } }
		hls /g.m3u8 { mounts /a.aac /b.aac }`, ""},
		{"a group without a rewind", `mount /*.aac { hls }
		hls /g.m3u8 { mounts /a.aac /b.aac }`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			replace := strings.NewReplacer("DIR", dir, " { ", " {\n", " }", "\n}").Replace
			got := moduletest.Warnings(t, "{\nicecast {\n"+replace(c.station)+"\n}\n}")
			want := strings.Split(replace(c.want), "|")
			is := func(line string) bool {
				return !slices.ContainsFunc(want, func(part string) bool { return !strings.Contains(line, part) })
			}
			if n := len(got); c.want == "" && n > 0 || c.want != "" && (n != 1 || !is(got[0])) {
				t.Errorf("it logs %q, want one line with %q", got, want)
			}
		})
	}
}
