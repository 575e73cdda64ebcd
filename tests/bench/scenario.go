//go:build linux

package main

import (
	"fmt"
	"time"
)

const (
	kbit = 1000
	mbit = 1000 * kbit
)

// scenario is what is done to a server, and for how long.
type scenario struct {
	family string // scenarios of a family share a table
	name   string

	mounts    int // 0 means one
	listeners int // of all mounts
	stalled   int // how many of them stop reading after the first sound
	rate      int // of each mount, in bit/s
	ramp      int // connects a second; 0 means all at once
	icy       bool
	tls       bool
	http      int           // version over TLS; 0 means 1
	hls       bool          // they play by HLS, beside a server of files
	hop       bool          // they listen to a slave
	hooks     bool          // all events are sent to an endpoint and a program that hang
	steps     []int         // rates to try one after the other, in place of rate
	slaves    int           // that follow the list of the server; they pull nothing
	reload    time.Duration // between two reloads of the configuration
	upgrade   bool          // the program is upgraded; every other listener comes over TLS, the others do not
	queue     int           // bytes that a listener may be behind; 0 means Icecast's 512 KiB
	sample    int           // one listener of so many checks what it hears, the others count it; 0 means all check

	patience time.Duration // for all to play after the last connect
	settle   time.Duration // before the window
	window   time.Duration // 0 means as the flag says

	full bool // run with -full or if -run names it, but not by default
}

// scenarios are all that there are, in the order in which they run.
func scenarios() []scenario {
	var all []scenario
	add := func(s scenario) {
		s.mounts = max(s.mounts, 1)
		if s.rate == 0 {
			s.rate = 128 * kbit
		}
		if s.patience == 0 {
			s.patience = 10 * time.Second
		}
		if s.queue == 0 {
			s.queue = 512 << 10
		}
		if s.settle == 0 {
			s.settle = 2 * time.Second
		}
		all = append(all, s)
	}
	for _, n := range []int{100, 1000, 5000, 10000, 15000, 18000} {
		add(scenario{
			family: "steady", name: fmt.Sprintf("steady-%d", n), listeners: n, ramp: min(n, 1500),
			full: n == 15000 || n == 18000,
		})
	}
	for _, n := range []int{1000, 5000} {
		add(scenario{family: "icy", name: fmt.Sprintf("icy-%d", n), listeners: n, ramp: 1000, icy: true, full: n == 5000})
	}
	add(scenario{
		family: "saturation", name: "saturation", listeners: 1000, ramp: 1000, rate: mbit,
		steps:  []int{1, 2, 4, 6, 8, 12, 16, 20, 24, 30, 35, 40},
		settle: time.Second, window: 4 * time.Second, queue: 8 << 20, sample: 8,
	})
	add(scenario{family: "storm", name: "storm-5000", listeners: 5000, patience: 20 * time.Second, window: 4 * time.Second})
	add(scenario{family: "mounts", name: "mounts-500x4", mounts: 500, listeners: 2000, ramp: 1000, rate: 64 * kbit})
	for _, slow := range []int{0, 200} {
		add(scenario{
			family: "slow", name: fmt.Sprintf("slow-%d-of-1000", slow), listeners: 1000, stalled: slow, ramp: 1000,
			rate: 1280 * kbit, window: time.Duration(8+slow/25) * time.Second,
		})
	}
	for _, rate := range []int{128 * kbit, 1280 * kbit} {
		add(scenario{
			family: "stalled", name: fmt.Sprintf("stalled-1000-%dk", rate/kbit), listeners: 2000, stalled: 1000, ramp: 1000,
			rate: rate, full: true,
		})
	}
	for _, n := range []int{1000, 5000} {
		add(scenario{family: "tls", name: fmt.Sprintf("tls-%d", n), listeners: n, ramp: 400, tls: true, full: n == 5000})
	}
	for _, way := range []struct {
		name string
		tls  bool
		http int
	}{{"plain", false, 0}, {"tls", true, 0}, {"h2", true, 2}, {"h3", true, 3}} {
		add(scenario{family: "https", name: "https-500-" + way.name, listeners: 500, ramp: 100, tls: way.tls, http: way.http, full: true})
	}
	for _, n := range []int{100, 1000} {
		add(scenario{family: "hop", name: fmt.Sprintf("hop-%d", n), listeners: n, ramp: n, hop: true, full: n == 1000, settle: 4 * time.Second})
	}
	add(scenario{family: "hooks", name: "hooks-1000", listeners: 1000, ramp: 1000, hooks: true, full: true})
	add(scenario{family: "reload", name: "reload-5000", listeners: 5000, ramp: 1500, reload: 2 * time.Second, window: 10 * time.Second})
	add(scenario{family: "upgrade", name: "upgrade-2000", listeners: 2000, ramp: 400, tls: true, upgrade: true})
	for version := 1; version <= 2; version++ {
		add(hlsScenario(version))
	}
	add(scenario{
		family: "cluster", name: "cluster-200x1500", mounts: 1500, slaves: 200, listeners: 10, ramp: 10, rate: 16 * kbit, full: true,
	})
	return all
}

// hlsScenario has sessions of HLS over TLS, by a version of HTTP.
func hlsScenario(version int) scenario {
	return scenario{
		family: "hls", name: fmt.Sprintf("hls-10000-h%d", version), listeners: 10000, ramp: 300, tls: true, http: version, hls: true,
		settle: 3 * segmentTime, window: 4 * segmentTime, full: true,
	}
}

// takesPart reports whether a scenario can be run with a server.
func (s scenario) takesPart(k serverKind) bool {
	if s.hls {
		return k.hasHLS() && !k.unwrapped
	}
	return !k.servesFiles() && (!s.hooks || k.hasHooks()) && (!s.tls || k.hasTLS()) && (s.reload == 0 && !s.upgrade || k.hasReload()) && (s.tls && s.http < 2 || !k.unwrapped) && (s.http < 2 || k.hasReload()) && (!s.hop && s.slaves == 0 || k.hasHop())
}

// ringSize is how much a mount's source remembers of what it sent: several
// seconds, and more than any server keeps for a listener.
func (s scenario) ringSize() int {
	switch {
	case s.mounts > 1:
		return 1 << 17
	case len(s.steps) > 0:
		return 1 << 25
	}
	return 1 << 24
}
