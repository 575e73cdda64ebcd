//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/relay"
)

// reportPause is the time between two reports of a simulated slave.
const reportPause = 2 * time.Second

// slaves are simulated slaves of the server. They follow its list and send reports as real ones
// do, but pull no mount.
type slaves struct {
	url      string
	password string
	mounts   []string
	client   *http.Client

	following atomic.Int64 // have the list, and its changes
	events    atomic.Int64 // that all have got
	refused   atomic.Int64 // reports
	running   sync.WaitGroup
	cancel    context.CancelFunc
}

// startSlaves starts a number of slaves. Close ends them.
func startSlaves(ctx context.Context, n, port int, password string, mounts []string) *slaves {
	s := &slaves{
		url: fmt.Sprintf("http://127.0.0.1:%d%s", port, relay.ListPath), password: password, mounts: mounts,
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	ctx, s.cancel = context.WithCancel(ctx)
	for i := range n {
		id := fmt.Sprintf("bench-%d", i)
		s.running.Go(func() { s.follow(ctx, id) })
		s.running.Go(func() { s.report(ctx, id, time.Duration(i)*reportPause/time.Duration(n)) })
	}
	return s
}

// Close ends the slaves and waits for them.
func (s *slaves) Close() {
	s.cancel()
	s.running.Wait()
}

func (s *slaves) request(ctx context.Context, method, id string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url, body)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth("relay", s.password)
	req.Header.Set(relay.PathHeader, id)
	req.Header.Set(relay.ProtectedHeader, "1")
	if method == http.MethodGet {
		req.Header.Set("Accept", relay.EventStream)
	} else {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Prefer", "return=minimal")
	}
	return s.client.Do(req)
}

// follow reads the list and its changes until ctx ends.
func (s *slaves) follow(ctx context.Context, id string) {
	resp, err := s.request(ctx, http.MethodGet, id, nil)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), relay.EventStream) {
		return
	}
	lines := bufio.NewScanner(resp.Body)
	first := true
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "event:") {
			s.events.Add(1)
			if first {
				first = false
				s.following.Add(1)
				defer s.following.Add(-1)
			}
		}
	}
}

// report sends reports: a whole one, and then partial ones with one mount.
func (s *slaves) report(ctx context.Context, id string, first time.Duration) {
	r := relay.Report{
		ID: id, Public: []string{"http://" + id + ".example.org"}, Capacity: 1000, Interval: int(reportPause / time.Second),
		Mounts: make(map[string]int),
	}
	for _, mount := range s.mounts {
		r.Mounts[mount] = 1
	}
	pause := time.NewTimer(first)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		r.Seq++
		if text, err := json.Marshal(r); err == nil {
			s.send(ctx, id, text)
		}
		r.Partial, r.Listeners = true, int(r.Seq)
		r.Mounts = map[string]int{s.mounts[0]: int(r.Seq)}
		pause.Reset(reportPause)
	}
}

func (s *slaves) send(ctx context.Context, id string, text []byte) {
	resp, err := s.request(ctx, http.MethodPost, id, bytes.NewReader(text))
	if err != nil {
		if ctx.Err() == nil {
			s.refused.Add(1)
		}
		return
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		s.refused.Add(1)
	}
}
