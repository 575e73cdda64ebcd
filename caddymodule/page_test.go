package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFolderHasPagesInPlaceOfOurs(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "status.html"), []byte(`ours is {{.Title}}{{range .Mounts}}, {{.Mount}} plays {{.Song}}{{end}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHandler(t, &Station{Name: "<Radio>", Templates: dir, AdminPassword: &Credential{Password: "admin"}})
	h.onAir(t, "/live.mp3", nil)
	h.station.live.Mount("/live.mp3").SetMetadata("", "a <b>", "")
	if got := body(t, h.do(t, httptest.NewRequest(http.MethodGet, "/status.xsl", nil))); got != "ours is &lt;Radio&gt;, /live.mp3 plays a &lt;b&gt;" {
		t.Errorf("the page is %q", got)
	}
	r := httptest.NewRequest(http.MethodGet, "/admin/", nil)
	r.SetBasicAuth("admin", "admin")
	if got := body(t, h.do(t, r)); !strings.Contains(got, "&lt;Radio&gt;: administration") {
		t.Errorf("the administrator's page is %q", got)
	}
}

// A page that can't be shown is known before it is in force.
func TestAPageThatCannotBeShownIsRefused(t *testing.T) {
	if _, err := loadPages(filepath.Join(t.TempDir(), "nowhere")); err == nil || !strings.Contains(err.Error(), "write a folder that can be read") {
		t.Errorf("without the folder: %v", err)
	}
	for text, want := range map[string]string{
		"{{":                                "unclosed action",
		"{{.Nothing}}":                      "can't evaluate field Nothing",
		"{{range .Mounts}}{{.Host}}{{end}}": "can't evaluate field Host",
		"<p>{{range .Mounts}}":              "unexpected EOF",
		"\n":                                "the page is empty",
		"{{.Title}}":                        "",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "status.html"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := loadPages(dir)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "status.html")) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}
