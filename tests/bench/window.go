//go:build linux

package main

import (
	"context"
	"os"
	"time"
)

const (
	// slack is how much of the window's sound a listener may be behind at its end
	// and still be one that gets the full rate: more than servers save up for a turn.
	slack = 300 * time.Millisecond

	sampling = 500 * time.Millisecond
)

// reading is what the clocks and counters of the machine said at a moment.
type reading struct {
	at        time.Time
	server    time.Duration
	rig       time.Duration
	busy      time.Duration // the server's core
	rigBusy   time.Duration // the rig's core
	switches  uint64
	sent, due uint64
	mounts    []uint64 // frames sent
}

func (r *run) read() reading {
	sent, due := r.sources.frames()
	now := reading{
		at:       time.Now(),
		server:   cpuTime(r.server.pid()),
		rig:      cpuTime(os.Getpid()),
		switches: switches(r.server.pid()),
		sent:     sent, due: due,
	}
	if r.around.serverCore != "" {
		now.busy, now.rigBusy = coreBusy(r.around.serverCore), coreBusy(r.around.rigCore)
		if r.ksoftirqd != 0 { // it does what the kernel put off while the server ran
			now.server += cpuTime(r.ksoftirqd)
		}
	}
	for _, s := range r.sent {
		now.mounts = append(now.mounts, s.sent())
	}
	return now
}

// measureWindow plays for the window and fills in the result.
func (r *run) measureWindow(ctx context.Context) error {
	p := r.players
	for _, l := range p.all {
		l.before = l.check.whole
	}
	p.delay = histogram{}
	p.measuring = true
	defer func() { p.measuring = false }()
	window := r.window()
	first := r.read()
	for end := first.at.Add(window); time.Now().Before(end); {
		if err := p.play(ctx, min(sampling, time.Until(end)), nil); err != nil {
			return err
		}
		if used := socketBytes(); used > r.idleSockets {
			r.res.SocketBytes = max(r.res.SocketBytes, used-r.idleSockets)
		}
	}
	last := r.read()
	r.res.Bytes = residentBytes(r.server.pid())
	r.evaluate(first, last)
	r.countFrames(first, last)
	return nil
}

func (r *run) window() time.Duration {
	if r.scenario.window > 0 {
		return r.scenario.window
	}
	return r.bench.window
}

func (r *run) evaluate(first, last reading) {
	res, took := r.res, last.at.Sub(first.at)
	share := func(d time.Duration) float64 { return d.Seconds() / took.Seconds() }
	res.CPU = share(last.server - first.server)
	res.RigCPU = share(last.rig - first.rig)
	if r.around.serverCore != "" {
		res.OtherCPU = max(share(last.busy-first.busy)-res.CPU, 0)
		res.OtherRigCPU = max(share(last.rigBusy-first.rigBusy)-res.RigCPU, 0)
	}
	res.Switches = float64(last.switches-min(first.switches, last.switches)) / took.Seconds()
	res.SourceShare = float64(last.sent-first.sent) / float64(max(last.due-first.due, 1))
	if r.players == nil { // they are told otherwise
		return
	}
	d := &r.players.delay
	res.DelayP50, res.DelayP99, res.DelayMax = d.quantile(0.5), d.quantile(0.99), d.max
}

// countFrames sees who got what was sent during the window.
func (r *run) countFrames(first, last reading) {
	res, p := r.res, r.players
	res.Full, res.Stuck, res.Lost, res.Corrupt = 0, 0, 0, 0
	behind := uint64(slack / frameInterval(r.rate))
	var frames uint64
	for i, l := range p.all {
		if l.stalls {
			continue
		}
		mount := i % len(r.sent)
		due := last.mounts[mount] - first.mounts[mount]
		got := l.check.whole - l.before
		frames += got
		if l.phase == playing && got+behind >= due {
			res.Full++
		}
		if l.phase == playing && got == 0 {
			res.Stuck++
		}
		res.Lost += l.check.lost
		res.Corrupt += l.check.corrupt
	}
	const bitsPerFrame = 8 * float64(cycleBytes) / cycleFrames
	res.Gbits = float64(frames) * bitsPerFrame / last.at.Sub(first.at).Seconds() / 1e9
	res.Dropped = p.count[dropped]
}
