package hls_test

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

var update = flag.Bool("update", false, "rewrite the table of docs/guides/hls.md with what is heard; review what it writes")

// guide is the page with the table.
const guide = "../../docs/guides/hls.md"

// seams are what happens to mounts: the columns of the table.
var seams = []string{"encoder back after 3 s", "fallback, and back", "another sampling rate", "reload", "`kill -9`, and back"}

const (
	dropped = iota
	backed
	changed
	reloaded
	killed
)

// programsThatPlay are the players of the table, in its order.
var programsThatPlay = []struct {
	name string
	play func(t testing.TB, dir string, urls map[string]string) ear
}{
	{"ffmpeg", playFFmpeg},
	{"VLC", playVLC},
	{"hls.js, Chromium", playChromium("hls.js")},
	{"shaka, Chromium", playChromium("shaka")},
}

// path returns the mount of a codec at a seam; less than 0: the fallback of others.
func (c *carrier) path(seam int) string {
	if seam < 0 {
		return "/spare." + c.ext
	}
	return fmt.Sprintf("/%d.%s", seam, c.ext)
}

// stage is a server with a mount for each codec and seam.
type stage struct {
	*harness.Server
	carriers []*carrier
	config   string
	ends     map[string]func()    // of sources, by mount
	victim   *harness.Restartable // has the mounts of the seam killed
}

func newStage(t *testing.T) *stage {
	s := &stage{carriers: carriers(t), ends: make(map[string]func())}
	var mounts strings.Builder
	for _, c := range s.carriers {
		for seam := range seams {
			setting := "linger 2m"
			if seam == backed {
				setting = "fallback " + c.path(-1)
			}
			fmt.Fprintf(&mounts, "mount %s {\n%s\nhls {\nsegment 2s\n}\n}\n", c.path(seam), setting)
		}
	}
	s.config = station(mounts.String())
	s.Server, s.victim = harness.Start(t, s.config), startVictim(t, s.config)
	return s
}

// at returns the server of the mounts at a seam.
func (s *stage) at(seam int) *harness.Server {
	if seam == killed {
		return s.victim.Server
	}
	return s.Server
}

// each calls a function with the mount of each codec at a seam.
func (s *stage) each(seam int, do func(c *carrier, mount string)) {
	for _, c := range s.carriers {
		do(c, c.path(seam))
	}
}

// feed begins to feed the mount of a codec at a seam with a sound.
func (s *stage) feed(c *carrier, seam int, sound []byte) {
	s.T.Helper()
	s.ends[c.path(seam)] = c.send(s.at(seam), c.path(seam), sound)
}

// row is a line of the table: what a player does with a codec.
type row struct {
	codec, player string
	goesOn        []bool // at each seam
}

func (r row) String() string {
	cells := []string{r.codec, r.player}
	for seam, yes := range r.goesOn {
		switch {
		case r.isByChance(seam):
			cells = append(cells, "by chance")
		case yes:
			cells = append(cells, "yes")
		default:
			cells = append(cells, "no")
		}
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// isByChance reports whether what a player does is not the same each time.
func (r row) isByChance(seam int) bool {
	switch seam {
	case killed: // of a load that finds no server
		return !strings.HasSuffix(r.player, "Chromium")
	case changed: // of when VLC has both segments
		return r.player == "VLC" && (r.codec == "MP3" || r.codec == "AAC")
	}
	return false
}

// tableHead is how the table begins.
var tableHead = "| codec | player | " + strings.Join(seams, " | ") + " |\n|---|---|" + strings.Repeat("---|", len(seams)) + "\n"

// What players do when something happens to what they play is what the guide says. Tones at the
// output tell which source is heard; nobody presses play again.
func TestWhatPlayersDoAtSeams(t *testing.T) {
	s := newStage(t)
	for seam := range seams {
		s.each(seam, func(c *carrier, _ string) { s.feed(c, seam, c.sound[0]) })
	}
	s.each(-1, func(c *carrier, _ string) { s.feed(c, -1, c.sound[1]) })
	urls := make(map[string]string)
	for seam := range seams {
		s.each(seam, func(_ *carrier, mount string) {
			urls[mount] = "http://" + s.at(seam).Plain + mount + ".m3u8"
		})
	}
	for mount, url := range urls {
		harness.Eventually(t, mount+" has a list", func() error {
			resp, err := http.Get(url)
			if err != nil {
				return err
			}
			return answers(resp, http.StatusOK)
		})
	}
	dir := harness.PublicDir(t) // VLC runs as another user
	var ears []ear
	for _, p := range programsThatPlay {
		ears = append(ears, p.play(t, dir, urls))
	}
	want := s.documented(t)
	hears := func(seam, tone int) {
		t.Helper()
		s.await(t, want, ears, seam, tones[tone])
	}
	for seam := range seams {
		if hears(seam, 0); t.Failed() {
			return
		}
	}

	end := func(seam int) { s.each(seam, func(_ *carrier, mount string) { s.ends[mount]() }) }
	end(dropped)
	end(backed)
	s.each(changed, func(c *carrier, mount string) {
		s.ends[mount]()
		s.feed(c, changed, c.other)
	})
	time.Sleep(3 * time.Second) // the seam itself
	s.each(dropped, func(c *carrier, _ string) { s.feed(c, dropped, c.sound[1]) })
	hears(dropped, 1)
	hears(changed, 1)
	hears(backed, 1)
	s.each(backed, func(c *carrier, _ string) { s.feed(c, backed, c.sound[2]) })
	if err := s.Reload(s.config + "\n\t# another"); err != nil {
		t.Fatal(err)
	}
	s.each(reloaded, func(c *carrier, mount string) {
		s.ends[mount]()
		s.feed(c, reloaded, c.sound[1])
	})
	s.victim.Kill()
	startAgain(s.victim)
	s.each(killed, func(c *carrier, mount string) {
		s.ends[mount]()
		s.feed(c, killed, c.sound[1])
	})
	hears(backed, 2)
	hears(reloaded, 1)
	hears(killed, 1)
	s.compare(t, want, ears)
}

// last returns the tone that is heard last at a seam.
func last(seam int) int {
	if seam == backed {
		return tones[2]
	}
	return tones[1]
}

// await waits until those who should hear a tone of mounts have heard it for a second.
func (s *stage) await(t *testing.T, want map[string]row, ears []ear, seam, tone int) {
	t.Helper()
	err := harness.Await(func() error {
		var deaf []string
		for i, e := range ears {
			s.each(seam, func(c *carrier, mount string) {
				r, known := want[c.name+programsThatPlay[i].name]
				if e.seconds(mount, tone) < 1 && (!known || tone == tones[0] || r.goesOn[seam]) {
					deaf = append(deaf, fmt.Sprintf("%s with %s", programsThatPlay[i].name, c.name))
				}
			})
		}
		if len(deaf) > 0 {
			return fmt.Errorf("not heard by %s", strings.Join(deaf, ", "))
		}
		return nil
	})
	switch {
	case err == nil:
	case *update && tone != tones[0]:
		t.Logf("%s, %d Hz: %v", seams[seam], tone, err)
	default:
		t.Errorf("%s, %d Hz: %v", seams[seam], tone, err)
		for i, e := range ears {
			if b, ok := e.(*browser); ok {
				t.Logf("%s: %v", programsThatPlay[i].name, b)
			}
		}
	}
}

// compare compares what was heard with the guide, or writes it there.
func (s *stage) compare(t *testing.T, want map[string]row, ears []ear) {
	var table strings.Builder
	table.WriteString(tableHead)
	for _, c := range s.carriers {
		for i, e := range ears {
			r := row{codec: c.name, player: programsThatPlay[i].name}
			for seam := range seams {
				r.goesOn = append(r.goesOn, e.seconds(c.path(seam), last(seam)) >= 1)
			}
			if documented := want[c.name+r.player]; !*update && documented.String() != r.String() {
				t.Errorf("heard      %v\ndocumented %v", r, documented)
			}
			table.WriteString(r.String() + "\n")
		}
	}
	if !*update {
		return
	}
	before, after := splitGuide(t)
	harness.WriteFile(t, guide, before+table.String()+after)
}

// splitGuide returns the guide before and after its table.
func splitGuide(t *testing.T) (before, after string) {
	t.Helper()
	text := harness.ReadFile(t, guide)
	before, rest, ok := strings.Cut(text, "| codec | player |")
	if !ok {
		t.Fatal(guide + " has no table of players")
	}
	_, after, _ = strings.Cut("| codec | player |"+rest, "|\n\n")
	return before, "\n" + after
}

// documented returns the rows of the guide by codec and player; none if they are about to be
// written.
func (s *stage) documented(t *testing.T) map[string]row {
	t.Helper()
	rows := make(map[string]row)
	if *update {
		return rows
	}
	before, after := splitGuide(t)
	table := strings.TrimSuffix(strings.TrimPrefix(harness.ReadFile(t, guide), before), after)
	lines, ok := strings.CutPrefix(table, tableHead)
	if !ok {
		t.Fatalf("the table of %s begins otherwise; want\n%s", guide, tableHead)
	}
	for line := range strings.Lines(lines) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) != 2+len(seams) {
			t.Fatalf("%s has the row %q", guide, line)
		}
		r := row{codec: cells[0], player: cells[1]}
		for _, c := range cells[2:] {
			r.goesOn = append(r.goesOn, c == "yes")
		}
		rows[r.codec+r.player] = r
	}
	return rows
}
