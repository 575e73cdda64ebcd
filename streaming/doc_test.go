package streaming

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The inventory in doc.go has each file, and no other.
func TestTheInventoryIsComplete(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^//\t(\S+\.go) +\S`).FindAllStringSubmatch(string(doc), -1) {
		if listed[m[1]] {
			t.Errorf("%s is listed twice", m[1])
		}
		listed[m[1]] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f != "doc.go" && !strings.HasSuffix(f, "_test.go") && !listed[f] {
			t.Errorf("%s is not listed", f)
		}
		delete(listed, f)
	}
	for f := range listed {
		t.Errorf("%s is listed, but there is no such file", f)
	}
}
