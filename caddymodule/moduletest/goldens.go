package moduletest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// IcecastGoldens returns the files of package icecastxml that can be converted, by name. It is
// for tests of the packages beside this one.
func IcecastGoldens(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../icecastxml/testdata/*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens (%v)", err)
	}
	all := make(map[string]string)
	for _, file := range files {
		golden, err := os.ReadFile(file) //nolint:gosec // G304: it is one of the repository
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)], _, _ = strings.Cut(string(golden), "----------\n")
	}
	return all
}
