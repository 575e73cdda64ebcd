package auth_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule"
)

// The warnings of the first configuration were lost: when the modules are bound, no
// configuration of the station is in force yet, and so its logger was none.
func TestTheFirstConfigurationLogsWhoCannotLogIn(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "users")
	if err := os.WriteFile(file, []byte("ann:5f4dcc3b5aa765d61d8327deb882cf99\nbob:$6$salt$hash\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	quoted := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	log := filepath.Join(dir, "log")
	config := `{
		"admin": {"disabled": true},
		"storage": {"module": "file_system", "root": ` + quoted(filepath.Join(dir, "storage")) + `},
		"logging": {"logs": {"default": {"writer": {"output": "file", "filename": ` + quoted(log) + `}}}},
		"apps": {"icecast": {"stations": {` + quoted(t.Name()) + `: {"mounts": [
			{"path": "/unknown", "auth": {"kind": "htpasswd", "file": ` + quoted(file) + `}},
			{"path": "/missing", "auth": {"kind": "htpasswd", "file": ` + quoted(filepath.Join(dir, "missing")) + `}}
		]}}}}
	}`
	var cfg caddy.Config
	if err := caddy.StrictUnmarshalJSON([]byte(config), &cfg); err != nil {
		t.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	app, err := ctx.App("icecast")
	if err != nil {
		t.Fatal(err)
	}
	if err := app.(*caddymodule.App).Cleanup(); err != nil {
		t.Error(err)
	}
	lines, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"unknown hashes", "htpasswd file missing"} {
		if n := strings.Count(string(lines), want); n != 1 {
			t.Errorf("%q is logged %d times, want once:\n%s", want, n, lines)
		}
	}
}
