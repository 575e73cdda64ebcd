//go:build linux

package reload

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestASecondServerOnThePortOfAnotherProcessRefusesToStart(t *testing.T) {
	first, second := harness.NewServer(t), harness.NewServer(t)
	config := func(s *harness.Server, settings string) string {
		return fmt.Sprintf("{\n\tadmin %s\n\tservers {\n\t\tlistener_wrappers {\n\t\t\ticecast\n\t\t\ttls\n\t\t}\n\t}\n\ticecast {\n\t\t%s\n\t}\n}\nhttp://%s {\n\ticecast\n}\n", s.AdminAddress, settings, first.Plain)
	}
	harness.RunProcess(t, t.TempDir(), config(first, "source_password hackme"))
	ready := func(s *harness.Server) {
		t.Helper()
		harness.Eventually(t, "the server is ready", func() error {
			resp, err := http.Get("http://" + s.AdminAddress + "/icecast/stations")
			if err != nil {
				return err
			}
			return resp.Body.Close()
		})
	}
	ready(first)

	refused, log := harness.RunProcess(t, t.TempDir(), config(second, "source_password hackme"))
	if err := harness.WaitForExit(t, refused); err == nil {
		t.Fatal("the second server ended without an error")
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{": caddy, process ", " listens there; expected a free port, or allow_shared_port in the icecast block"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in its log:\n%s", want, text)
		}
	}

	if err := first.ReloadCaddyfile(config(first, "source_password changed")); err != nil {
		t.Errorf("the first server reloads: %v", err)
	}
	harness.RunProcess(t, t.TempDir(), config(second, "allow_shared_port\n\t\tlocation second"))
	ready(second)
	seen := make(map[bool]bool)
	harness.Eventually(t, "both get connections", func() error {
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + first.Plain + "/status-json.xsl")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if seen[strings.Contains(string(text), `"location":"second"`)] = true; err == nil && len(seen) < 2 {
			return errors.New("one of them does")
		}
		return err
	})

	elsewhere := harness.FreeAddress(t)
	third := strings.ReplaceAll(config(second, "source_password hackme"), first.Plain, elsewhere)
	harness.StopCaddy(t)
	if err := second.LoadCaddyfile(strings.Replace(third, second.AdminAddress, harness.FreeAddress(t), 1)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { harness.StopCaddy(t) })
	if err := second.LoadCaddyfile(config(harness.NewServer(t), "source_password hackme")); err == nil || !strings.Contains(err.Error(), "listens there") {
		t.Errorf("a reload onto the port of another process: %v", err)
	}
}
