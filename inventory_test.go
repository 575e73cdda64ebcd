package caddycast_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddycast/caddycast"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The package comment lists the modules that a Caddy has with this package, and no others.
func TestThePackageCommentListsEveryModule(t *testing.T) {
	comment, _, _ := strings.Cut(readFile(t, "caddycast.go"), "package caddycast\n")
	var listed []string
	for _, m := range regexp.MustCompile(`(?m)^//\t([a-z]+(?:\.[a-z]+)*)\s{2,}\S`).FindAllStringSubmatch(comment, -1) {
		listed = append(listed, m[1])
	}
	var registered []string
	for _, id := range caddy.Modules() {
		if slices.Contains(strings.Split(id, "."), "icecast") && !strings.HasPrefix(id, "caddy.adapters.") {
			registered = append(registered, id)
		}
	}
	slices.Sort(listed)
	slices.Sort(registered)
	if !slices.Equal(listed, registered) {
		t.Errorf("listed     %q\nregistered %q", listed, registered)
	}
}

// CONTRIBUTING has a row for each folder with code, and none for a folder that is gone.
func TestContributingListsEveryFolder(t *testing.T) {
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z/0-9]+)/` \\|").FindAllStringSubmatch(readFile(t, "CONTRIBUTING.md"), -1) {
		listed = append(listed, m[1])
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("CONTRIBUTING.md: %v", err)
		}
	}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case path == "tests" || path != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata":
			return fs.SkipDir
		}
		code, err := filepath.Glob(filepath.Join(path, "*.go"))
		if err == nil && path != "." && len(code) > 0 && !slices.Contains(listed, filepath.ToSlash(path)) {
			t.Errorf("CONTRIBUTING.md has no row for %s/", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The words of the glossary are those of CONTRIBUTING.
func TestTheGlossaryHasTheWordsOfContributing(t *testing.T) {
	_, words, ok := strings.Cut(readFile(t, "CONTRIBUTING.md"), "glossary](docs/help/glossary.md): ")
	if !ok {
		t.Fatal("CONTRIBUTING.md does not name the words")
	}
	words, _, _ = strings.Cut(words, ".")
	glossary := readFile(t, filepath.Join("docs", "help", "glossary.md"))
	for word := range strings.SplitSeq(words, ",") {
		if word = strings.TrimSpace(word); !strings.Contains(glossary, "| "+word+" |") {
			t.Errorf("the glossary has no %q", word)
		}
	}
}
