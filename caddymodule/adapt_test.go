package caddymodule_test

import (
	"bytes"
	"encoding/json"
	goflag "flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

var update = goflag.Bool("update", false, "rewrite the goldens in testdata/adapt; review what it writes")

const (
	goldens      = "testdata/adapt"
	errorGoldens = "testdata/adapt/errors"
	separator    = "----------\n"
)

// TestAdapt adapts each golden's Caddyfile, and loads what comes of it as far as
// `caddy validate` does.
func TestAdapt(t *testing.T) {
	for _, name := range []string{"SOURCE_PASSWORD", "RELAY_PASSWORD", "ADMIN_PASSWORD"} {
		t.Setenv(name, "hackme")
	}
	eachGolden(t, goldens, func(t *testing.T, caddyfile string) string {
		adapted, err := adapt(t, caddyfile)
		if err != nil {
			t.Fatalf("adapting: %v", err)
		}
		if err := moduletest.Validate(t, adapted); err != nil {
			t.Errorf("validating: %v", err)
		}
		return adapted
	})
}

// atLine is what every error of a Caddyfile ends with.
var atLine = regexp.MustCompile(`, at (Caddyfile|snippet):\d+`)

// TestAdaptErrors adapts Caddyfiles that are wrong. Each golden holds the whole
// text of the error: where it is, what came, and what would be right.
func TestAdaptErrors(t *testing.T) {
	eachGolden(t, errorGoldens, func(t *testing.T, caddyfile string) string {
		adapted, err := adapt(t, caddyfile)
		if err == nil {
			t.Fatalf("no error; it adapts to\n%s", adapted)
		}
		if !atLine.MatchString(err.Error()) {
			t.Errorf("the error does not name file and line: %v", err)
		}
		return err.Error()
	})
}

// eachGolden compares what run makes of each golden's Caddyfile with the rest of
// the golden, or rewrites that.
func eachGolden(t *testing.T, dir string, run func(t *testing.T, caddyfile string) string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.caddytest"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens in %s (%v)", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddytest"), func(t *testing.T) {
			golden, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			caddyfile, want, ok := strings.Cut(string(golden), separator)
			if !ok && !*update {
				t.Fatalf("%s: no line of ten dashes between the Caddyfile and what it adapts to", file)
			}
			got := run(t, caddyfile) + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(caddyfile+separator+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("%s: it adapts to\n%s\nwant\n%s", file, got, want)
			}
		})
	}
}

// adapt does what `caddy adapt --pretty` does. A Caddyfile that `caddy fmt` would
// change is no good example, so that is a failure.
func adapt(t *testing.T, caddyfile string) (string, error) {
	t.Helper()
	adapter := caddyconfig.GetAdapter("caddyfile")
	adapted, warnings, err := adapter.Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return "", err
	}
	for _, w := range warnings {
		t.Errorf("warning: %s", w)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, adapted, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return pretty.String(), nil
}
