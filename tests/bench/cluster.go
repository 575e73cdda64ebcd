//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	visitRounds = 15                     // each with as much quiet time
	visits      = 5                      // of a source that comes and goes, in a round
	visitPause  = 500 * time.Millisecond // from one to the next
	visitTime   = 300 * time.Millisecond // that it stays
	visitorName = "/visitor.mp3"

	statusLooks = 31

	slavesPatience = 60 * time.Second
)

// measureCluster measures what slaves cost: while nothing happens, and when a source comes and
// goes, of which all are sent the news.
func (r *run) measureCluster(ctx context.Context) (err error) {
	res := r.res
	if res.StatusAlone, err = r.statusTime(ctx); err != nil {
		return err
	}
	if res.GoroutinesAlone, err = r.goroutines(ctx); err != nil {
		return err
	}
	s := startSlaves(ctx, r.slaves, r.server.Port, r.server.SourcePassword, r.server.Mounts)
	defer s.Close()
	if err := r.players.play(ctx, slavesPatience, func() bool { return int(s.following.Load()) == r.slaves }); err != nil {
		return err
	}
	if err := r.players.play(ctx, 2*reportPause, nil); err != nil { // all have sent a report
		return err
	}
	before := s.events.Load()
	first := r.read()
	var quiet, quietTime time.Duration
	var costs []time.Duration // the median is taken: a collection of garbage that falls into one visit is not its cost
	for range visitRounds {   // in turns, so that both meet the machine in the same mood
		start := r.read()
		if err := r.players.play(ctx, visits*visitPause, nil); err != nil {
			return err
		}
		middle := r.read()
		for range visits {
			if err := r.visit(ctx); err != nil {
				return err
			}
		}
		last := r.read()
		quiet, quietTime = quiet+middle.server-start.server, quietTime+middle.at.Sub(start.at)
		all := last.server - middle.server - time.Duration(float64(middle.server-start.server)*last.at.Sub(middle.at).Seconds()/middle.at.Sub(start.at).Seconds())
		costs = append(costs, all/visits)
	}
	slices.Sort(costs)
	end := r.read()
	res.CPU = quiet.Seconds() / quietTime.Seconds()
	res.VisitCPU = costs[visitRounds/2]
	res.ListEvents = float64(s.events.Load()-before) / float64(visitRounds*visits*r.slaves)
	res.RigCPU = (end.rig - first.rig).Seconds() / end.at.Sub(first.at).Seconds()
	res.SourceShare = float64(end.sent-first.sent) / float64(max(end.due-first.due, 1))
	res.Bytes = residentBytes(r.server.pid())
	if res.StatusWithSlaves, err = r.statusTime(ctx); err != nil {
		return err
	}
	if res.Goroutines, err = r.goroutines(ctx); err != nil {
		return err
	}
	res.Following, res.ReportsRefused = int(s.following.Load()), int(s.refused.Load())
	return nil
}

// visit lets a source come and go.
func (r *run) visit(ctx context.Context) error {
	sound := newSentStream(1 << 17)
	var frames []byte
	for len(frames) < prefill {
		frames = append(frames, sound.add(time.Now())...)
	}
	fd, err := connectSource(r.server.Port, r.server.SourcePassword, visitorName)
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, frames)
	if err == nil {
		err = r.players.play(ctx, visitTime, nil)
	}
	_ = unix.Close(fd)
	if err != nil {
		return err
	}
	return r.players.play(ctx, visitPause-visitTime, nil)
}

// statusTime returns the median time of the status as JSON.
func (r *run) statusTime(ctx context.Context) (time.Duration, error) {
	var all []time.Duration
	for range statusLooks {
		began := time.Now()
		if err := get(ctx, fmt.Sprintf("http://127.0.0.1:%d/status-json.xsl", r.server.Port), nil); err != nil {
			return 0, err
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[statusLooks/2], nil
}

// goroutines returns how many the server has.
func (r *run) goroutines(ctx context.Context) (n int, err error) {
	url := fmt.Sprintf("http://127.0.0.1:%d/debug/pprof/goroutine?debug=1", r.server.AdminPort)
	err = get(ctx, url, func(body io.Reader) error {
		line, err := bufio.NewReader(body).ReadString('\n')
		if _, scanErr := fmt.Sscanf(line, "goroutine profile: total %d", &n); scanErr != nil {
			return errors.Join(err, scanErr)
		}
		return nil
	})
	return n, err
}

// get gets a page, and reads it by a function if that is not nil.
func get(ctx context.Context, url string, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, slavesPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("a request: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: answered %s", url, resp.Status)
	}
	if read != nil {
		if err := read(resp.Body); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
