package modules

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// page has the code of the guest modules, as an example.
const page = "../../docs/reference/modules.md"

// example returns the Caddyfile on the page.
func example(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```\n{")
	caddyfile, _, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatalf("%s has no Caddyfile", page)
	}
	return "{" + caddyfile
}

// TestModulesOfAnotherPlugin uses a module of each kind, all written outside this module,
// with the Caddyfile on the page.
func TestModulesOfAnotherPlugin(t *testing.T) {
	program, home := binary.Guest(t), t.TempDir()
	s := &harness.Server{T: t, Plain: harness.FreeAddress(t), AdminAddress: harness.FreeAddress(t)}
	events := filepath.Join(home, "events")
	harness.RunProgram(t, program, home, strings.NewReplacer(
		"\ticecast {", "\tadmin "+s.AdminAddress+"\n\tauto_https off\n\ticecast {",
		"{$SOURCE_PASSWORD}", "hackme",
		"/var/log/caddy/events", events,
		"http://radio.example.org {", "http://:"+harness.Port(s.Plain)+" {\n\tbind 127.0.0.1",
	).Replace(example(t)))
	harness.Eventually(t, "the server answers", s.Answers)

	s.Source("/auto/live.mp3").Send(100)
	harness.Eventually(t, "the hook has written the event", func() error {
		text, err := os.ReadFile(events)
		if err == nil && string(text) != "source_connected /auto/live.mp3\n" {
			return fmt.Errorf("it has written %q", text)
		}
		return err
	})

	for query, want := range map[string]int{"": http.StatusUnauthorized, "?code=x": http.StatusUnauthorized, "?code=sesame": http.StatusOK} {
		resp, err := http.Get("http://" + s.Plain + "/live.mp3" + query)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want {
			t.Errorf("/live.mp3%s is answered %d, want %d", query, resp.StatusCode, want)
		}
		if want == http.StatusOK { // only the fallback has a source
			if n, err := resp.Body.Read(make([]byte, 1)); n == 0 {
				t.Errorf("the fallback is not heard: %v", err)
			}
		}
		_ = resp.Body.Close()
	}
}

// The page shows the modules that the test above uses.
func TestThePageHasTheCodeOfTheModules(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/guest/*.go")
	if err != nil || len(files) != 4 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(file) != "doc.go" && !strings.Contains(string(text), "```go\n"+string(code)+"```\n") {
			t.Errorf("%s: the code of %s is not there", page, file)
		}
	}
}
