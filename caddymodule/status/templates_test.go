package status_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

func TestAFolderHasPagesInPlaceOfOurs(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "status.html"), []byte(`ours is {{.Title}}{{range .Mounts}}, {{.Mount}} plays {{.Song}}{{end}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	h := moduletest.New(t, &caddymodule.Station{Name: "<Radio>", Templates: dir, AdminPassword: &auth.Credential{Password: "admin"}})
	h.OnAir(t, "/live.mp3", nil)
	h.Mount("/live.mp3").SetMetadata("", "a <b>", "")
	if got := moduletest.Body(t, h.Do(t, httptest.NewRequest(http.MethodGet, "/status.xsl", nil))); got != "ours is &lt;Radio&gt;, /live.mp3 plays a &lt;b&gt;" {
		t.Errorf("the page is %q", got)
	}
	r := httptest.NewRequest(http.MethodGet, "/admin/", nil)
	r.SetBasicAuth("admin", "admin")
	if got := moduletest.Body(t, h.Do(t, r)); !strings.Contains(got, "&lt;Radio&gt;: administration") {
		t.Errorf("the administrator's page is %q", got)
	}
}
