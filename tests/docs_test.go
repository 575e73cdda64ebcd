package tests

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages are all the documents.
func pages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, name := range []string{"README.md", "xcaddy.md", "CONTRIBUTING.md", "CHANGELOG.md"} {
		pages = append(pages, filepath.Join("..", name))
	}
	return pages
}

var (
	codeBlock = regexp.MustCompile("(?s)```caddyfile\n(.*?)```")
	link      = regexp.MustCompile(`\]\(([^)#]+)`)
)

func TestEveryExampleInTheDocumentsIsAConfiguration(t *testing.T) {
	t.Setenv("SOURCE_PASSWORD", "x")
	found := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range codeBlock.FindAllSubmatch(text, -1) {
			found++
			if _, err := adapt(string(m[1])); err != nil {
				t.Errorf("%s: %v in\n%s", page, err, m[1])
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d examples were found", found)
	}
}

func TestEveryLinkInTheDocumentsLeadsSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			to := string(m[1])
			if strings.Contains(to, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), to)); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
