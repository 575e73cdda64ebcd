package docs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/tests/harness"
)

var codeBlock = regexp.MustCompile("(?s)```caddyfile\n(.*?)```")

// Examples are loaded as far as possible without listening: the files that they name exist.
func TestEveryExampleIsAConfiguration(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir)
	if err := harness.MakeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages(t) {
		for _, m := range codeBlock.FindAllStringSubmatch(page.text, -1) {
			found++
			if err := validate(furnish(t, dir, m[1])); err != nil {
				t.Errorf("%s: %v in\n%s", page.path, err, m[1])
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d examples were found", found)
	}
}

// validate loads a Caddyfile without running it.
func validate(caddyfile string) error {
	adapted, err := harness.Adapt(caddyfile)
	if err != nil {
		return err
	}
	var config caddy.Config
	if err := json.Unmarshal(adapted, &config); err != nil {
		return err
	}
	return caddy.Validate(&config)
}

var (
	variable     = regexp.MustCompile(`\{env\.(\w+)\}`)
	absolutePath = regexp.MustCompile(`(/etc|/srv|/var)/[\w./-]+`)
)

// furnish makes the files and the variables that an example names, and returns the example
// with the paths of those files: certificates and keys, users, folders for paths without an
// extension.
func furnish(t *testing.T, dir, example string) string {
	t.Helper()
	for _, m := range variable.FindAllStringSubmatch(example, -1) {
		t.Setenv(m[1], "secret")
	}
	return absolutePath.ReplaceAllStringFunc(example, func(name string) string {
		at := filepath.Join(dir, name)
		content, err := "", error(nil)
		switch filepath.Ext(name) {
		case ".pem":
			content, err = harness.TryReadFile(filepath.Join(dir, "cert.pem"))
		case ".key":
			content, err = harness.TryReadFile(filepath.Join(dir, "key.pem"))
		}
		switch {
		case err != nil:
			t.Fatal(err)
		case filepath.Base(name) == "members":
			content = "bob:5f4dcc3b5aa765d61d8327deb882cf99\n"
		case filepath.Ext(name) == "" && !strings.HasPrefix(filepath.Base(name), "deny"):
			err = os.MkdirAll(at, 0o700)
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		harness.WriteFile(t, at, content)
		return at
	})
}
