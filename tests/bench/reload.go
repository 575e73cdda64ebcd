//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// keepReloading loads the configuration again and again, with another name of
// the station each time. What it returns ends that and waits for the end.
func (r *run) keepReloading() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		ticks := time.NewTicker(r.reload)
		defer ticks.Stop()
		for n := 1; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			if err := r.reloadOnce(ctx, n); err == nil {
				r.res.Reloads++ // nobody reads it before the end
			} else if ctx.Err() == nil {
				r.res.Unloaded = err.Error()
			}
		}
	})
	return func() {
		cancel()
		ended.Wait()
	}
}

func (r *run) reloadOnce(ctx context.Context, n int) error {
	s := r.server.settings
	s.Title = fmt.Sprintf("bench, reloaded %d times", n)
	text, err := fill(r.server.kind.name, r.server.kind.config, s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	url := fmt.Sprintf("http://127.0.0.1:%d/load", s.AdminPort)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(text))
	if err != nil {
		return fmt.Errorf("a request: %w", err)
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("reload: %s: %s", resp.Status, body)
	}
	return nil
}
