package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *#*$`)
)

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	all := pages(t)
	anchors := make(map[string]map[string]bool)
	for _, p := range all {
		anchors[p.path] = p.anchors()
	}
	found := 0
	for _, p := range all {
		for _, m := range link.FindAllStringSubmatch(p.prose(), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			found++
			to, anchor, hasAnchor := strings.Cut(m[1], "#")
			at := p.path
			if to != "" {
				at = path.Join(path.Dir(p.path), to)
			}
			if _, err := os.Stat(filepath.Join(root, at)); err != nil {
				t.Errorf("%s: %s: %v", p.path, m[1], err)
				continue
			}
			if hasAnchor && !anchors[at][anchor] {
				t.Errorf("%s: %s: no such heading in %s", p.path, m[1], at)
			}
		}
	}
	if found < 200 {
		t.Errorf("only %d links were found", found)
	}
}

// anchors returns the anchors of a page's headings, as GitHub makes them.
func (p page) anchors() map[string]bool {
	all := make(map[string]bool)
	for _, m := range heading.FindAllStringSubmatch(p.prose(), -1) {
		slug := slugOf(m[1])
		for n := 1; all[slug]; n++ {
			slug = fmt.Sprintf("%s-%d", slugOf(m[1]), n)
		}
		all[slug] = true
	}
	return all
}

var linkText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// slugOf returns the anchor of a heading: lower case, without punctuation, with hyphens for
// spaces.
func slugOf(heading string) string {
	heading = linkText.ReplaceAllString(heading, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

func TestSlugs(t *testing.T) {
	for heading, want := range map[string]string{
		"HTTP/1.1, 2 and 3":    "http11-2-and-3",
		"`deny` and `allow`":   "deny-and-allow",
		"`dump`: recording":    "dump-recording",
		"The [page](x.md) `a`": "the-page-a",
		"Caddy's events":       "caddys-events",
		"`max_sessions` of a":  "max_sessions-of-a",
	} {
		if got := slugOf(heading); got != want {
			t.Errorf("%s: %s; want %s", heading, got, want)
		}
	}
}

// Every page can be reached from the index by one link.
func TestTheIndexNamesEveryPage(t *testing.T) {
	index := read(t, "docs/README.md")
	for _, p := range pages(t) {
		name, ok := strings.CutPrefix(p.path, "docs/")
		if ok && name != "README.md" && !strings.Contains(index, "]("+name+")") {
			t.Errorf("docs/README.md does not name %s", name)
		}
	}
}

var documentPath = regexp.MustCompile(`\bdocs/[\w/-]+\.(?:md|json|svg)`)

// Code, Makefile and comments name pages that exist.
func TestPagesThatTheCodeNamesExist(t *testing.T) {
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || len(d.Name()) > 2 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case filepath.Ext(file) != ".go" && d.Name() != "Makefile":
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, name := range documentPath.FindAllString(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
