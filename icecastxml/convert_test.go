package icecastxml

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata; review what it writes")

// separator separates icecast.xml, Caddyfile and notes in a golden, or icecast.xml and errors.
const separator = "----------\n"

// secret is in each password of the goldens.
const secret = "hack"

func TestConvert(t *testing.T) {
	eachGolden(t, "testdata", func(t *testing.T, xml string) string {
		isFile := func(path string) bool { return strings.Contains(path, "file") }
		c, err := Convert([]byte(xml), Machine{IsFile: isFile, Dir: "/srv/radio"})
		if err != nil {
			t.Fatal(err)
		}
		if formatted := caddyfile.Format(c.Caddyfile); !bytes.Equal(formatted, c.Caddyfile) {
			t.Errorf("caddy fmt would make of it\n%s", formatted)
		}
		if lines := bytes.Count(c.Caddyfile, []byte("\n")); lines != len(c.origins) {
			t.Errorf("it has %d lines, of which %d have a line of origin", lines, len(c.origins))
		}
		notes := new(strings.Builder)
		for _, n := range c.Notes {
			fmt.Fprintln(notes, n)
		}
		if strings.Contains(notes.String(), secret) {
			t.Errorf("a note tells a password:\n%s", notes)
		}
		return string(c.Caddyfile) + separator + notes.String()
	})
}

func TestConvertErrors(t *testing.T) {
	eachGolden(t, "testdata/errors", func(t *testing.T, xml string) string {
		c, err := Convert([]byte(xml), Machine{})
		if err == nil {
			t.Fatalf("no error, but\n%s", c.Caddyfile)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("it tells a password: %v", err)
		}
		return err.Error() + "\n"
	})
}

// The example in docs/guides/from-icecast.md is real output.
func TestTheExampleOfTheDocuments(t *testing.T) {
	page, err := os.ReadFile("../docs/guides/from-icecast.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```xml\n")
	xml, rest, _ := strings.Cut(rest, "```")
	_, rest, _ = strings.Cut(rest, "```caddyfile\n")
	want, _, ok := strings.Cut(rest, "```")
	if c, err := Convert([]byte(xml), Machine{}); err != nil || !ok || string(c.Caddyfile) != want || len(c.Notes) > 0 {
		t.Errorf("%v: it becomes\n%s", err, c.Caddyfile)
	}
}

// eachGolden compares the result of run for the first part of each golden with the rest.
func eachGolden(t *testing.T, dir string, run func(t *testing.T, xml string) string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.golden"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens in %s (%v)", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".golden"), func(t *testing.T) {
			golden, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			xml, want, _ := strings.Cut(string(golden), separator)
			got := run(t, xml)
			if *update {
				if err := os.WriteFile(file, []byte(xml+separator+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("it becomes\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func FuzzConvert(f *testing.F) {
	for _, dir := range []string{"testdata", "testdata/errors"} {
		files, _ := filepath.Glob(filepath.Join(dir, "*.golden"))
		for _, file := range files {
			golden, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			xml, _, _ := strings.Cut(string(golden), separator)
			f.Add([]byte(xml))
		}
	}
	f.Fuzz(func(t *testing.T, xml []byte) {
		c, err := Convert(xml, Machine{IsFile: func(string) bool { return true }, Dir: "/srv/radio"})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("an error without a line: %v", err)
			}
			return
		}
		if _, err := caddyfile.Parse("Caddyfile", bytes.Clone(c.Caddyfile)); err != nil {
			t.Errorf("it is no Caddyfile: %v\n%s", err, c.Caddyfile)
		}
	})
}

// Quoted words are read back unchanged.
func TestWordsAreReadAsTheyWere(t *testing.T) {
	for _, word := range []string{
		"plain", "two words", `a "quoted" one`, `back\slash`, `ends in \`, "a `back` quote", "a ` and a \"", "{env.HOME}",
		"# no comment", "<<HEREDOC", "{", "}", "import", "", "ünï", "a,b", "a{b}c", "'", "one\ntwo", "no\u00a0break", "line\u2028s", "a ` and a \\{b\\} and a \"", "a\\b`\\\\c", "\r",
	} {
		text, err := quoted(word)
		if err != nil {
			t.Errorf("%q: %v", word, err)
			continue
		}
		tokens, err := caddyfile.Tokenize([]byte("x "+text+"\n"), "Caddyfile")
		if err != nil || len(tokens) != 2 || tokens[1].Text != word {
			t.Errorf("%q is written %s and read %+v (%v)", word, text, tokens, err)
		}
	}
	for _, word := range []string{"a`b\\", "a`\\\"b", "{$HOME}", "x{$HOME}"} {
		if text, err := quoted(word); err == nil {
			t.Errorf("%q is written %s", word, text)
		}
	}
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	for name, xml := range map[string]string{
		"a large file":  "<icecast>" + strings.Repeat(" ", maxFile) + "</icecast>",
		"deep elements": strings.Repeat("<icecast>", maxDepth+1),
		"many elements": "<icecast>" + strings.Repeat("<a/>", maxElements) + "</icecast>",
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := Convert([]byte(xml), Machine{}); err == nil || !strings.Contains(err.Error(), "at most") {
				t.Errorf("%v, %v", c, err)
			}
		})
	}
}

// Conversion is linear: a quadratic step once took most of a minute for the largest file.
func TestALargeFileIsConvertedInAMoment(t *testing.T) {
	const start = "<icecast><listen-socket><port>8000</port></listen-socket>"
	var mounts strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&mounts, "<mount><mount-name>/m%d</mount-name><hidden>1</hidden></mount>", i)
	}
	for name, xml := range map[string]string{
		"elements with space between": start + strings.Repeat("<a/>"+strings.Repeat(" ", 34), 99_000),
		"mounts":                      start + mounts.String(),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if _, err := Convert([]byte(xml+"</icecast>"), Machine{}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
