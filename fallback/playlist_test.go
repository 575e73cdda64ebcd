package fallback

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestEntriesAreFilesPatternsAndDirectories(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.mp3", "a.MP3", "c.mp2", ".hidden.mp3", "cover.jpg", "[x].mp3"} {
		write(t, dir, name, mp3(10))
	}
	for _, sub := range []string{"sub", "sub.mp3"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "sub/inner.mp3", mp3(10))
	for _, c := range []struct {
		name    string
		entries []string
		want    string
	}{
		{"a file", []string{"b.mp3"}, "b|b|b"},
		{"files, in that order", []string{"c.mp2", "b.mp3"}, "c|b|c"},
		{"a file named like a pattern", []string{"[x].mp3"}, "[x]|[x]|[x]"},
		{"a file whose name says nothing", []string{"cover.jpg"}, "cover|cover|cover"},
		{"a pattern, without the directory that it fits", []string{"[bs]*.mp3"}, "b|b|b"},
		{"a directory, without what is in others", []string{"."}, "[x]|a|b|c|[x]"},
		{"several", []string{"sub", "c.*"}, "inner|c|inner"},
	} {
		var entries []string
		for _, e := range c.entries {
			entries = append(entries, filepath.Join(dir, e))
		}
		l := listenTo(t, Options{}, entries...)
		if got := titles(l.hear(t, strings.Count(c.want, "|")+1)); got != c.want {
			t.Errorf("%s: heard %q, want %q", c.name, got, c.want)
		}
	}
}

func TestADirectoryIsListedAnewInEachRound(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "b.mp3", mp3(10))
	l := listenTo(t, Options{}, dir)
	check := func(want string, songs int) {
		t.Helper()
		if got := titles(l.hear(t, songs)); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	check("b|b", 2) // and b has begun
	write(t, dir, "a.mp3", mp3(10))
	write(t, dir, "c.mp3", mp3(10))
	check("b|a|b|c", 4) // and a has begun
	if err := os.Remove(filepath.Join(dir, "b.mp3")); err != nil {
		t.Fatal(err)
	}
	check("a|c|a|c", 4)
}

func TestAFileThatChangedIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "a.mp3", mp3(10))
	l := listenTo(t, Options{}, path)
	l.hear(t, 1)
	if err := os.Rename(write(t, dir, "new", mp3(25)), path); err != nil {
		t.Fatal(err)
	}
	songs := l.hear(t, 2)
	if got, want := len(songs[0].data), len(mp3(10)); got != want {
		t.Errorf("the song that was playing has %d bytes, want its %d", got, want)
	}
	if got, want := len(songs[1].data), len(mp3(25)); got != want {
		t.Errorf("the next one has %d bytes, want the new %d", got, want)
	}
}

// observed returns a log and its lines.
func observed() (*zap.Logger, *observer.ObservedLogs) {
	core, lines := observer.New(zap.InfoLevel)
	return zap.New(core), lines
}

func TestWhatCannotBePlayedIsPassedOverAndSaidOnce(t *testing.T) {
	const silent = "no audio found"
	for _, c := range []struct {
		name, file string
		data       []byte
		want       string
	}{
		{"an empty file", "x.mp3", nil, silent},
		{"garbage", "x.mp3", bytes.Repeat([]byte("garbage "), 10_000), silent},
		{"a tag and nothing else", "x.mp3", id3v2Text("T", "A"), silent},
		{"zeros", "x.flac", make([]byte, 100_000), silent},
		{"Ogg's headers and nothing else", "x.ogg", standbyFile(t, "mono-48000.opus")[:200], silent},
		{"another format", "x.aac", standbyFile(t, "mono-44100.aac"), "wrong content type audio/aac; expected audio/mpeg"},
		{"a file under a wrong name", "x.mp3", standbyFile(t, "mono-44100.aac"), "wrong content type audio/aac; expected audio/mpeg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			good := write(t, dir, "good.mp3", mp3(10))
			bad := write(t, dir, c.file, c.data)
			log, lines := observed()
			l := listenTo(t, Options{Log: log}, good, bad)
			if got := titles(l.hear(t, 4)); got != "good|good|good|good" {
				t.Errorf("heard %q", got)
			}
			all := lines.TakeAll()
			if len(all) != 1 || all[0].ContextMap()["file"] != bad || all[0].ContextMap()["error"] != c.want {
				t.Fatalf("logged %v, want one line about %s: %s", all, bad, c.want)
			}

			// After a change the file is tried again.
			if err := os.Chtimes(bad, time.Time{}, epoch); err != nil {
				t.Fatal(err)
			}
			l.hear(t, 3)
			if n := len(lines.TakeAll()); n != 1 {
				t.Errorf("%d lines were logged after it had changed, want 1", n)
			}
			write(t, dir, c.file, mp3(10))
			if got := titles(l.hear(t, 4)); !strings.Contains(got, "good|x|good") {
				t.Errorf("heard %q, want the file that can be played now", got)
			}
			if n := lines.Len(); n != 0 {
				t.Errorf("%d lines were logged, want none", n)
			}
		})
	}
}

func TestNothingToPlaySaysWhy(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, dir, "w.ts", bytes.Repeat(append([]byte{0x47, 0x1f, 0xff, 0x10}, make([]byte, 184)...), 50))
	write(t, dir, "empty.mp3", nil)
	var many, whys []string
	for _, name := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		many = append(many, at(name))
		whys = append(whys, at(name)+": no such file or directory")
	}
	if err := os.Mkdir(at("none"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		entries []string
		want    []string
	}{
		{"no files", nil, []string{"no files configured"}},
		{"a file that is not there", many[:1], whys[:1]},
		{"many of them", many, append(whys[:5:5], "and 2 more")},
		{"as many as are named", many[:5], whys[:5]},
		{"a pattern that fits nothing", []string{at("*.wav")}, []string{at("*.wav") + ": no file matches the pattern"}},
		{"a pattern that is none", []string{at("[")}, []string{at("[") + ": syntax error in pattern"}},
		{"a directory without sound", []string{at("none")}, []string{at("none") + ": no audio file in the directory; expected a name that ends in .mp3, .mp2, .mpga, .aac, .adts, .ogg, .oga, .ogv, .opus, .spx, .flac"}},
		{"a device", []string{os.DevNull}, []string{os.DevNull + ": not a regular file"}},
		{
			"a format without times",
			[]string{at("w.ts"), at("empty.mp3")},
			[]string{at("empty.mp3") + ": no audio found", at("w.ts") + ": unsupported content type video/mp2t; expected MP3, AAC (ADTS), Ogg or FLAC"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			log, lines := observed()
			p, _ := timed(t, NewPlayer(c.entries, Options{Log: log}))
			for range 3 { // it may be asked again, and doesn't repeat itself in the log
				_, err := p.Read(make([]byte, 100))
				checkNothing(t, err, c.want...)
			}
			if lines.Len() != len(c.entries) {
				t.Errorf("%d lines were logged, want %d", lines.Len(), len(c.entries))
			}
		})
	}
}

func TestPlayingBeginsOnceAFileIsThere(t *testing.T) {
	dir := t.TempDir()
	l := listenTo(t, Options{}, dir)
	if err := l.read(); !errors.Is(err, ErrNothingToPlay) {
		t.Fatalf("got %v, want that there is nothing to play", err)
	}
	write(t, dir, "a.mp3", mp3(10))
	if got := titles(l.hear(t, 2)); got != "a|a" {
		t.Errorf("heard %q", got)
	}
	if err := os.Remove(filepath.Join(dir, "a.mp3")); err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ { // the song that has begun ends as it should
		if err := l.read(); err != nil {
			checkNothing(t, err, dir+": no audio file in the directory; expected a name that ends in "+strings.Join(audioExtensions, ", "))
			break
		}
		if i > 100 {
			t.Fatal("it goes on and on")
		}
	}
	if got := l.songs[len(l.songs)-1]; !bytes.Equal(got.data, mp3(10)) {
		t.Errorf("the last song has %d bytes, want all of it", len(got.data))
	}
}
