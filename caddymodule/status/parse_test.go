package status

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A page that can't be shown is known before it is in force.
func TestAPageThatCannotBeShownIsRefused(t *testing.T) {
	if _, err := LoadTemplates(filepath.Join(t.TempDir(), "nowhere")); err == nil || !strings.Contains(err.Error(), "unreadable folder") {
		t.Errorf("without the folder: %v", err)
	}
	for text, want := range map[string]string{
		"{{":                                "unclosed action",
		"{{.Nothing}}":                      "can't evaluate field Nothing",
		"{{range .Mounts}}{{.Host}}{{end}}": "can't evaluate field Host",
		"<p>{{range .Mounts}}":              "unexpected EOF",
		"\n":                                "empty page",
		"{{.Title}}":                        "",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "status.html"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadTemplates(dir)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "status.html")) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}
