//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	os.Exit(start(os.Args[1:]))
}

func start(args []string) int {
	if len(args) > 0 && args[0] == pinWord {
		fmt.Fprintln(os.Stderr, pinned(args[1:])) // it returns only if it fails
		return 1
	}
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	code := 0
	if inside := os.Getenv(insideVariable); inside != "" {
		err = o.inside(ctx, inside)
	} else {
		code, err = o.outside(ctx, args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// outside builds caddycast, since inside there is no network, and goes inside.
func (o options) outside(ctx context.Context, args []string) (int, error) {
	needed := slices.ContainsFunc(o.servers, func(k serverKind) bool { return strings.Contains(k.command, ".Caddycast") })
	if o.caddycast == "" && needed {
		dir, err := os.MkdirTemp("", "caddycast-bench-")
		if err != nil {
			return 1, err
		}
		defer os.RemoveAll(dir)
		// icecast2 runs as another user and must get into the folders of the runs.
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // G302: see above
			return 1, err
		}
		path := filepath.Join(dir, "caddycast")
		if err := build(ctx, path); err != nil {
			return 1, err
		}
		args = slices.Concat(args, []string{"-caddycast", path})
	}
	done, err := takeTurn(ctx)
	if err != nil {
		return 1, err
	}
	defer done()
	return goInside(args)
}

// build makes caddycast with the flags of xcaddy, so that it is what users run.
func build(ctx context.Context, path string) error {
	progress("building caddycast")
	args := []string{
		"build", "-tags", "nobadger,nomysql,nopgx", "-trimpath", "-ldflags", "-w -s",
		"-o", path, "github.com/caddycast/caddycast/cmd/caddycast",
	}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // G204: all is written above
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building caddycast: %w\n%s", err, out)
	}
	return nil
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// inside runs all scenarios and prints the report.
func (o options) inside(ctx context.Context, inside string) error {
	runtime.LockOSThread() // servers end with the thread that started them
	debug.SetGCPercent(400)
	around, err := prepare(inside)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "caddycast-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // G302: icecast2 runs as another user
		return err
	}
	b := &bench{
		caddycast: o.caddycast, dir: dir, around: around, window: o.window, nap: o.nap,
		progress: progress, ksoftirqd: kernelThread("ksoftirqd/" + around.serverCore),
	}
	if b.cert, err = makeCertificate(dir); err != nil {
		return err
	}
	began := time.Now()
	results := o.runAll(ctx, b)
	progress("%d runs took %v", len(results), time.Since(began).Round(time.Second))
	if o.json != "" {
		if err := writeJSON(o.json, results); err != nil {
			return err
		}
	}
	if err := report(os.Stdout, o.heading(around), results); err != nil {
		return err
	}
	return ctx.Err()
}

// runAll lets the servers take turns in each scenario, and the scenarios in each
// round. It returns what there is when it is interrupted.
func (o options) runAll(ctx context.Context, b *bench) (results []result) {
	for round := range o.rounds {
		for _, s := range o.scenarios {
			for _, k := range o.servers {
				if !s.takesPart(k) {
					continue
				}
				progress("round %d of %d: %s with %s", round+1, o.rounds, s.name, k.name)
				r := b.run(ctx, s, k, round+1)
				if ctx.Err() != nil {
					return results
				}
				progress("    %d of %d at full rate, %.3f cores, p99 %v %s",
					r.Full, r.Listeners, r.CPU, r.DelayP99.Round(time.Millisecond), notes([]result{r}))
				results = append(results, r)
				debug.FreeOSMemory() // the next run begins like the first one
			}
		}
	}
	return results
}

func (o options) heading(around surroundings) []string {
	lines := []string{
		"# Benchmark, " + time.Now().Format(time.DateTime), "",
		machine() + "; " + strings.Join(around.notes, ", ") + ".",
	}
	var servers []string
	for _, k := range o.servers {
		servers = append(servers, k.name+" "+k.version(settings{Caddycast: o.caddycast}))
	}
	return append(lines, "", fmt.Sprintf("Servers: %s. Window %v, %d rounds; medians, with the least and the greatest in parentheses.",
		strings.Join(servers, ", "), o.window, o.rounds))
}

func writeJSON(path string, results []result) error {
	text, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o600) //nolint:gosec // G703: the user says where
}
