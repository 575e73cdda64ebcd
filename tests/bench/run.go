//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	mountName      = "/live%d.mp3"
	sourcePassword = "hackme"
	adminPassword  = "letmein"

	// idling is how long a server with sources is left alone before its memory is
	// taken as that of a server without listeners.
	idling = time.Second

	// ports are looked for from here on, below those that clients get.
	firstPort = 20000
	lastPort  = 30000
)

// bench is all that the runs have in common.
type bench struct {
	caddycast string
	dir       string
	cert      certificate
	around    surroundings
	window    time.Duration
	nap       time.Duration
	progress  func(format string, args ...any)

	port      int // last one that was given out
	ksoftirqd int
}

// run is one run of a scenario with a server. Its steps follow one another in
// the thread that plays the listeners; sources have theirs.
type run struct {
	*bench
	scenario
	res *result

	server    *runningServer
	sent      []*sentStream
	sources   *sources
	players   *players
	publisher *publisher   // for a server of files; nil: there is none
	deaf      net.Listener // that hooks call; nil: there are none

	idleSockets uint64
}

// run measures a scenario with a server. What goes wrong is in the result.
func (b *bench) run(ctx context.Context, s scenario, k serverKind, round int) (res result) {
	res = result{Scenario: s.name, Family: s.family, Server: k.name, Round: round, Slow: s.stalled, Listeners: s.listeners - s.stalled}
	if need := s.listeners + s.mounts + 2*s.slaves + 100; need > b.around.files {
		res.Skipped = fmt.Sprintf("needs %d descriptors, and a process may have %d: raise ulimit -n", need, b.around.files)
		return res
	}
	r := &run{bench: b, scenario: s, res: &res}
	defer r.close()
	if err := r.measure(ctx, k); err != nil {
		res.Failed = err.Error()
	}
	return res
}

func (r *run) measure(ctx context.Context, k serverKind) error {
	if r.hls {
		return r.measureHLS(ctx, k)
	}
	if err := r.start(ctx, k); err != nil {
		return err
	}
	if err := r.connect(ctx); err != nil {
		return err
	}
	r.players.quiet = true
	if err := r.players.play(ctx, r.settle, nil); err != nil {
		return err
	}
	if r.upgrade {
		return r.measureUpgrade(ctx)
	}
	defer r.conclude()
	if len(r.steps) > 0 {
		return r.saturate(ctx)
	}
	if r.slaves > 0 {
		return r.measureCluster(ctx)
	}
	if r.reload > 0 {
		defer r.keepReloading()()
	}
	return r.measureWindow(ctx)
}

// start brings up the server and its sources, and waits until they are idle.
func (r *run) start(ctx context.Context, k serverKind) error {
	s, err := r.settings(k)
	if err != nil {
		return err
	}
	if r.server, err = k.start(ctx, s); err != nil {
		return err
	}
	for range s.Mounts {
		r.sent = append(r.sent, newSentStream(r.ringSize()))
	}
	if k.servesFiles() {
		r.sources = noSources()
	} else if r.sources, err = connectSources(s.Port, s.SourcePassword, s.Mounts, r.sent, r.rate); err != nil {
		return err
	}
	select {
	case <-time.After(idling):
	case <-ctx.Done():
		return ctx.Err()
	}
	r.res.IdleBytes = residentBytes(r.server.pid())
	r.idleSockets = socketBytes()
	return nil
}

func (r *run) settings(k serverKind) (settings, error) {
	dir, err := os.MkdirTemp(r.dir, "server-")
	if err != nil {
		return settings{}, err
	}
	// icecast2 writes its logs here as another user.
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // G302: see above; it lives as long as the run
		return settings{}, err
	}
	s := settings{
		Title: "bench", Dir: dir, Config: filepath.Join(dir, "config"), TLS: r.tls, HLS: r.hls, Wrapped: !k.unwrapped,
		Certificate: r.cert.cert, Key: r.cert.key, Both: r.cert.both,
		SourcePassword: sourcePassword, AdminPassword: adminPassword,
		Listeners: r.listeners + 1000, Sources: r.mounts + 10, Queue: r.queue,
		User: serverUser(), Caddycast: r.caddycast, Core: r.around.serverCore,
	}
	if k.servesFiles() {
		if s.Web, err = webFolder(); err != nil {
			return settings{}, err
		}
	}
	for i := range r.mounts {
		s.Mounts = append(s.Mounts, fmt.Sprintf(mountName, i))
	}
	ports := []*int{&s.Port, &s.TLSPort, &s.AdminPort}
	if r.hop {
		ports = append(ports, &s.HopPort)
	}
	for _, port := range ports {
		if *port, err = r.freePort(); err != nil {
			return s, err
		}
	}
	if r.hooks {
		// The kernel takes connections, and nobody answers.
		if r.deaf, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return s, err
		}
		s.HookPort = r.deaf.Addr().(*net.TCPAddr).Port
	}
	return s, nil
}

// freePort gives out a port that no run had before, so that what is left of one
// does not meet the next.
func (b *bench) freePort() (int, error) {
	for b.port = max(b.port+1, firstPort); b.port < lastPort; b.port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", b.port))
		if err == nil {
			return b.port, l.Close()
		}
	}
	return 0, errors.New("no free port is left")
}

// connect brings up the listeners and waits until they play or will not.
func (r *run) connect(ctx context.Context) (err error) {
	port := r.server.Port
	if r.tls {
		port = r.server.TLSPort
	}
	if r.hop {
		port = r.server.HopPort
	}
	if r.players, err = newPlayers(port, r.icy, r.sent, r.server.Mounts); err != nil {
		return err
	}
	r.players.sample = r.sample
	if r.upgrade {
		r.players.plainPort = r.server.Port
	}
	p := r.players
	p.nap = r.nap
	if r.tls {
		p.tls = newHandshaker(p, r.cert.trust, r.listeners, r.http)
	}
	began := time.Now()
	for n := 0; n < r.listeners; {
		due := r.listeners
		if r.ramp > 0 {
			due = min(due, int(time.Since(began).Seconds()*float64(r.ramp)))
		}
		for due = min(due, n+64); n < due; n++ {
			p.add(n*r.stalled/r.listeners != (n+1)*r.stalled/r.listeners) // evenly among the others
		}
		if err := p.play(ctx, time.Millisecond, nil); err != nil {
			return err
		}
	}
	settled := func() bool { return p.count[connecting]+p.count[asking]+p.count[answered] == 0 }
	if err := p.play(ctx, r.patience, settled); err != nil {
		return err
	}
	r.res.LastFirst = time.Duration(max(p.lastFirst-began.UnixNano(), 0))
	if p.count[playing] == r.listeners {
		r.res.AllPlaying = r.res.LastFirst
	}
	r.res.FirstP50, r.res.FirstP99 = p.first.quantile(0.5), p.first.quantile(0.99)
	return nil
}

// conclude counts what became of the listeners.
func (r *run) conclude() {
	p, res := r.players, r.res
	res.Silent = p.count[connecting] + p.count[asking] + p.count[answered]
	res.Refused, res.Dropped = p.count[refused], p.count[dropped]
	open := served(p.port)
	res.Lost, res.Corrupt = 0, 0
	for _, l := range p.all {
		if l.why != nil {
			res.Example = l.why.Error()
		}
		res.Lost += l.check.lost
		res.Corrupt += l.check.corrupt
		res.Unchecked += l.check.unchecked
		if l.check.skipped > 0 {
			res.MidFrame++
		}
		switch {
		case l.stalls && (l.fd < 0 || !open[clientKey(l.fd)]):
			res.SlowEnded++
		case l.phase == playing && !l.stalls:
			res.Playing++
		}
	}
	if err := r.sources.failure(); err != nil {
		res.SourceWas = err.Error()
	}
	if r.server.hasExited() {
		res.Failed = "the server ended: " + r.server.lastWords()
	}
}

func (r *run) close() {
	if r.sources != nil {
		_ = r.sources.Close() // a failure is in the result already
	}
	if r.publisher != nil {
		_ = r.publisher.Close() // likewise
	}
	if r.players != nil {
		_ = r.players.Close()
	}
	if r.server != nil {
		r.server.stop()
		_ = os.RemoveAll(r.server.Dir)
		if r.server.Web != "" {
			_ = os.RemoveAll(r.server.Web)
		}
	}
	if r.deaf != nil {
		_ = r.deaf.Close()
	}
}
