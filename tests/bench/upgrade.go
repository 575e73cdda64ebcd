//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what a process used in a window.
type usage struct {
	CPU float64 `json:"cpu_cores"`
	RSS uint64  `json:"resident_bytes"`
	PSS uint64  `json:"proportional_bytes"` // a page that processes share is divided among them
}

// pair is what an upgrade costs: one process before it, and two afterwards.
type pair struct {
	Before    usage         `json:"before"`
	Older     usage         `json:"older"`
	Newer     usage         `json:"newer"`
	OlderRest usage         `json:"older_rest"` // without TLS listeners; the encoder still comes by it
	NewerRest usage         `json:"newer_rest"`
	Took      time.Duration `json:"took_ns"` // from the request to its answer
}

// measureUpgrade measures before and after an upgrade of the program to itself, and once more when the TLS
// listeners have left. Delays are those of the moment of the upgrade.
func (r *run) measureUpgrade(ctx context.Context) error {
	older, first := r.server.pid(), r.read()
	before, err := r.usageOf(ctx, older)
	if err != nil {
		return err
	}
	r.players.measuring = true
	began := time.Now()
	newer, err := r.upgradeServer(ctx)
	took := time.Since(began)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Kill(newer, unix.SIGKILL) }() // it is no child of this process
	if err := r.players.play(ctx, r.settle, nil); err != nil {
		return err
	}
	r.players.measuring = false
	d := &r.players.delay
	r.res.DelayP50, r.res.DelayP99, r.res.DelayMax = d.quantile(0.5), d.quantile(0.99), d.max
	both, err := r.usageOf(ctx, older, newer)
	if err != nil {
		return err
	}
	last := r.read()
	r.res.SourceShare = float64(last.sent-first.sent) / float64(max(last.due-first.due, 1))
	r.conclude()
	for _, l := range r.players.all {
		if l.secure {
			l.hangUp()
		}
	}
	if err := r.players.play(ctx, r.settle, nil); err != nil {
		return err
	}
	rest, err := r.usageOf(ctx, older, newer)
	if err != nil {
		return err
	}
	r.res.Upgrade = &pair{Before: before[0], Older: both[0], Newer: both[1], OlderRest: rest[0], NewerRest: rest[1], Took: took}
	return nil
}

// usageOf plays for a window, and returns what processes used in it.
func (r *run) usageOf(ctx context.Context, pids ...int) ([]usage, error) {
	all := make([]usage, len(pids))
	first, began := make([]time.Duration, len(pids)), time.Now()
	for i, pid := range pids {
		first[i] = cpuTime(pid)
	}
	if err := r.players.play(ctx, r.window(), nil); err != nil {
		return nil, err
	}
	took := time.Since(began)
	for i, pid := range pids {
		all[i] = usage{(cpuTime(pid) - first[i]).Seconds() / took.Seconds(), residentBytes(pid), proportionalBytes(pid)}
	}
	return all, nil
}

// upgradeServer has the server replace itself, while the listeners play, and returns the number of its new
// process.
func (r *run) upgradeServer(ctx context.Context) (pid int, err error) {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		pid, err = r.requestUpgrade(ctx)
	}()
	played := r.players.play(ctx, upgradePatience, func() bool {
		select {
		case <-answered:
			return true
		default:
			return false
		}
	})
	<-answered
	return pid, errors.Join(played, err)
}

// upgradePatience bounds an upgrade.
const upgradePatience = 30 * time.Second

func (r *run) requestUpgrade(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, upgradePatience)
	defer cancel()
	url := fmt.Sprintf("http://127.0.0.1:%d/icecast/upgrade", r.server.AdminPort)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return 0, fmt.Errorf("a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("upgrade: %w", err)
	}
	defer resp.Body.Close()
	var answer struct{ Process int }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("upgrade: %s, %w", resp.Status, err)
	}
	return answer.Process, nil
}

// upgradeColumns are for the scenarios with an upgrade.
var upgradeColumns = []column{
	usageColumn("before", func(p *pair) usage { return p.Before }),
	usageColumn("then the older", func(p *pair) usage { return p.Older }),
	usageColumn("and the newer", func(p *pair) usage { return p.Newer }),
	usageColumn("without TLS listeners the older", func(p *pair) usage { return p.OlderRest }),
	usageColumn("and the newer", func(p *pair) usage { return p.NewerRest }),
	durations("upgrade, ms", func(r *result) time.Duration { return r.upgraded().Took }),
	durations("delay p50 / p99 / max in that moment, ms", func(r *result) time.Duration { return r.DelayP50 },
		func(r *result) time.Duration { return r.DelayP99 }, func(r *result) time.Duration { return r.DelayMax }),
	number("playing", "%.0f", func(r *result) float64 { return float64(r.Playing) }),
	framesColumn, notesColumn,
}

// upgraded is zero if the upgrade failed.
func (r *result) upgraded() pair {
	if r.Upgrade == nil {
		return pair{}
	}
	return *r.Upgrade
}

// usageColumn shows the usage of one process.
func usageColumn(when string, of func(*pair) usage) column {
	value := func(get func(usage) float64) func(*result) float64 {
		return func(r *result) float64 {
			p := r.upgraded()
			return get(of(&p))
		}
	}
	return column{when + ": cores; RSS; PSS, MiB", func(rs []result) string {
		return spread(rs, "%.3f", value(func(u usage) float64 { return u.CPU })) + "; " +
			spread(rs, "%.0f", value(func(u usage) float64 { return float64(u.RSS) / mib })) + "; " +
			spread(rs, "%.0f", value(func(u usage) float64 { return float64(u.PSS) / mib }))
	}}
}
