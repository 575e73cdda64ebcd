package fallback

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/leaks"
	"github.com/caddycast/caddycast/internal/numbered"
)

// TestMain fails the package if a goroutine of it still runs after the tests.
func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "caddycast/fallback")) }

// clock advances only by sleeping.
type clock struct {
	at    time.Time
	slept int // how often
}

func (c *clock) now() time.Time { return c.at }

func (c *clock) sleep(d time.Duration, _ <-chan struct{}) {
	c.at = c.at.Add(d)
	c.slept++
}

// passed is the time since the test began.
func (c *clock) passed() time.Duration { return c.at.Sub(epoch) }

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// timed gives a player its own clock, and closes it when the test ends.
func timed(t testing.TB, p *Player) (*Player, *clock) {
	t.Helper()
	c := &clock{at: epoch}
	p.pace.now, p.pace.sleep = c.now, c.sleep
	t.Cleanup(p.Close)
	return p, c
}

// song is the audio of one title.
type song struct {
	artist, title string
	data          []byte
}

// listener reads a player and records its output.
type listener struct {
	player *Player
	songs  []song
	buf    []byte
}

// listenTo returns a listener to files, with its own clock.
func listenTo(t testing.TB, o Options, files ...string) *listener {
	t.Helper()
	l := &listener{buf: make([]byte, 16<<10)}
	o.OnTitle = l.note
	l.player, _ = timed(t, NewPlayer(files, o))
	return l
}

func (l *listener) note(artist, title string) {
	l.songs = append(l.songs, song{artist: artist, title: title})
}

// read reads once, and adds the audio to the last title.
func (l *listener) read() error {
	n, err := l.player.Read(l.buf)
	if n > 0 {
		last := &l.songs[len(l.songs)-1]
		last.data = append(last.data, l.buf[:n]...)
	}
	return err
}

// hear reads until that many more songs have ended, and returns them.
func (l *listener) hear(t testing.TB, songs int) []song {
	t.Helper()
	first := max(0, len(l.songs)-1)
	for len(l.songs)-1 < first+songs {
		if err := l.read(); err != nil {
			t.Fatalf("after %d songs: %v", len(l.songs), err)
		}
	}
	return l.songs[first : first+songs]
}

// titles returns the titles of songs, separated by |.
func titles(songs []song) string {
	var all []string
	for _, s := range songs {
		all = append(all, strings.TrimPrefix(s.artist+" - "+s.title, " - "))
	}
	return strings.Join(all, "|")
}

// mp3 returns frames of MP3.
func mp3(frames int) []byte {
	var b []byte
	for n := range frames {
		b = numbered.AppendFrame(b, uint64(n), epoch)
	}
	return b
}

// write writes a file into a directory and returns its path.
func write(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// standbyFile returns a variant of the standby loop, as an example of its format.
func standbyFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := standbyFiles.ReadFile("standby/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkNothing fails the test unless err is ErrNothingToPlay with these reasons.
func checkNothing(t testing.TB, err error, reasons ...string) {
	t.Helper()
	if !errors.Is(err, ErrNothingToPlay) {
		t.Fatalf("got %v, want that there is nothing to play", err)
	}
	want := ErrNothingToPlay.Error() + ": " + strings.Join(reasons, "; ")
	if err.Error() != want {
		t.Errorf("error %q\nwant  %q", err, want)
	}
}
