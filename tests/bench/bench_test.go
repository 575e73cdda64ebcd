//go:build linux

package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness/binary"
)

// asProgram makes the test binary be the benchmark itself, which starts itself
// again inside its namespace and to pin servers.
const asProgram = "CADDYCAST_BENCH_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestBenchRunsEndToEnd(t *testing.T) {
	caddycast := binary.Caddycast(t) // before the clock starts
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	jsonFile := filepath.Join(t.TempDir(), "results.json")
	cmd := exec.CommandContext(ctx, self, "-caddycast", caddycast, "-run", "^(icy-1000|https-500-h[23])$", "-servers", "caddycast",
		"-listeners", "20", "-window", "1s", "-json", jsonFile)
	// A folder of its own: this run waits for no other.
	cmd.Env = append(os.Environ(), asProgram+"=1", "TMPDIR="+t.TempDir())
	var progress strings.Builder
	cmd.Stderr = &progress
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	for _, scenario := range []string{"icy-1000", "https-500-h2", "https-500-h3"} {
		if !strings.Contains(string(out), "\n| "+scenario+" | caddycast | 1 |") {
			t.Errorf("there is no row of %s in\n%s\n%s", scenario, out, progress.String())
		}
	}
	text, err := os.ReadFile(jsonFile)
	if err != nil {
		t.Fatal(err)
	}
	var results []result
	if err := json.Unmarshal(text, &results); err != nil || len(results) != 3 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, r := range results {
		if r.Lost+r.Corrupt+r.Unchecked != 0 || r.Playing != 20 || r.CPU <= 0 || r.Bytes == 0 || r.DelayMax == 0 || r.FirstP99 == 0 {
			t.Errorf("the result is %+v", r)
		}
	}
}
