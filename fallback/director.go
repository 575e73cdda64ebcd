package fallback

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming"
)

// Rule holds the fallback settings of a mount. The zero value is a mount without
// fallbacks.
type Rule struct {
	// Fallbacks are mounts, or names returned by File and Standby, the best first.
	Fallbacks []string

	// Stay keeps listeners on a fallback until it ends, even if a better one is back.
	Stay bool

	// ReturnAfter is how long a better mount must be live before listeners return
	// to it.
	ReturnAfter time.Duration
}

// OnDemand feeds mounts from elsewhere while they have listeners. Its methods are called
// under the station's lock, so they must not block or call the station.
type OnDemand interface {
	// Offers reports whether a mount is fed on demand and, as far as known, has that
	// content type. An empty kind stands for any type.
	Offers(path, kind string) bool

	// Failing reports whether the start of a mount failed or takes too long, so that
	// its fallbacks are used meanwhile.
	Failing(path string) bool

	// StartOnDemand starts feeding a mount. It is called for each new listener.
	StartOnDemand(path string)
}

// noDemand is an OnDemand without mounts.
type noDemand struct{}

func (noDemand) Offers(string, string) bool { return false }
func (noDemand) Failing(string) bool        { return false }
func (noDemand) StartOnDemand(string)       {}

// Director decides by rules which mount listeners hear. It is safe for concurrent use.
type Director struct {
	// Set once.
	rules          func(path string) Rule
	players        *Players
	demand         OnDemand
	onTypeMismatch func(home, other string)

	mu        sync.Mutex
	reported  map[[2]string]bool // pairs passed to onTypeMismatch
	plans     map[string]plan    // by home
	forgotten int                // how often Forget was called
}

// plan is the resolved rule of a mount.
type plan struct {
	rule  Rule
	order []string // see Director.order
}

// maxPlans and maxHome bound the memory for mounts that may not exist: any client can make up
// paths. No mount has a path of more than maxHome bytes.
const (
	maxPlans = 10000
	maxHome  = 255
)

// NewDirector returns a director. rules returns the rule of a mount; players play files
// and the standby loop. onTypeMismatch is called once for each pair of mounts of which the
// second cannot replace the first because of its content type. demand may be nil.
func NewDirector(rules func(path string) Rule, players *Players, demand OnDemand, onTypeMismatch func(home, other string)) *Director {
	if demand == nil {
		demand = noDemand{}
	}
	return &Director{
		rules: rules, players: players, demand: demand, onTypeMismatch: onTypeMismatch,
		reported: make(map[[2]string]bool), plans: make(map[string]plan),
	}
}

// Fallbacks returns what can be heard at home but home itself, the best first.
func (d *Director) Fallbacks(home string) []string { return d.plan(home).order[1:] }

// HasFallback reports whether a mount has a fallback or is fed on demand.
func (d *Director) HasFallback(path string) bool {
	return d.demand.Offers(path, "") || len(d.plan(path).rule.Fallbacks) > 0
}

// Forget discards the resolved rules, so that all are asked for again.
func (d *Director) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.plans)
	d.forgotten++
}

// plan returns the resolved rule of a mount.
func (d *Director) plan(path string) plan {
	d.mu.Lock()
	p, ok := d.plans[path]
	forgotten := d.forgotten
	d.mu.Unlock()
	if ok {
		return p
	}
	p = plan{d.rules(path), d.order(path)}
	if len(path) > maxHome {
		return p
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.forgotten != forgotten { // the rules may have changed while they were read
		return p
	}
	if len(d.plans) >= maxPlans {
		clear(d.plans)
	}
	d.plans[path] = p
	return p
}

// order returns the mounts that can be heard at home, the best first: home, its first
// fallback, the fallbacks of that one, then its second fallback, and so on. Each mount
// appears once, so mounts may be fallbacks of each other.
func (d *Director) order(home string) []string {
	var all []string
	seen := make(map[string]bool)
	var visit func(path string)
	visit = func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		all = append(all, path)
		if isPlayer(path) {
			return
		}
		for _, next := range d.rules(path).Fallbacks {
			visit(next)
		}
	}
	visit(home)
	return all
}

// Overflow returns the mounts that may take listeners when a mount is full.
func (d *Director) Overflow(path string) []string {
	var mounts []string
	for _, p := range d.plan(path).order[1:] {
		if !isPlayer(p) {
			mounts = append(mounts, p)
		}
	}
	return mounts
}

// StartOnDemand starts a player, or a mount that is fed on demand.
func (d *Director) StartOnDemand(path string) {
	if isPlayer(path) {
		d.players.start(path)
	} else {
		d.demand.StartOnDemand(path)
	}
}

// Choose decides what listeners hear: the first mount in order that is live and has the
// type of their stream. They stay on the current mount while its source may come back, and
// leave it for a better one if the rule allows that.
func (d *Director) Choose(q streaming.Query) streaming.Decision {
	rule, order := d.plan(q.Home).rule, d.plan(q.Home).order
	var c streaming.Decision
	canStay := q.Heard != "" && q.State(q.Heard).Usable(q.Type) && slices.Contains(order, q.Heard)
	for _, path := range order {
		s := q.State(path)
		if path == q.Heard && canStay {
			c.Hear = path
			return c
		}
		if !s.Live {
			askAgain(&c, d.players.retryIn(path, q.Now))
			if canStay && rule.Stay {
				continue
			}
			if d.requestStart(path, q.Type, q.Now, &c) && !canStay {
				return c // it starts in a moment, so nothing else is chosen
			}
			continue
		}
		if q.Type != "" && s.Type != q.Type {
			if path == q.Home && q.Heard != "" && isPlayer(q.Heard) {
				return streaming.Decision{} // reconnecting listeners get the new type
			}
			d.reportMismatch(q.Home, path)
			continue
		}
		if canStay && (rule.Stay || !isPlayer(path) && !mayReturn(rule, q.Now.Sub(s.Since), &c)) {
			continue
		}
		c.Hear = path
		return c
	}
	if !c.Soon && q.State(q.Home).Usable(q.Type) {
		c.Hear = q.Home // listeners wait for the source
	}
	return c
}

// requestStart adds a mount that is not live to those to start, if it can be started. It
// reports whether a mount fed on demand will be live soon.
func (d *Director) requestStart(path, kind string, now time.Time, c *streaming.Decision) bool {
	switch {
	case !isPlayer(path):
		if !d.demand.Offers(path, kind) {
			return false
		}
		c.StartOnDemand = append(c.StartOnDemand, path)
		soon := !d.demand.Failing(path)
		c.Soon = c.Soon || soon
		return soon
	case !slices.ContainsFunc(c.StartOnDemand, isPlayer) && d.canPlay(path, kind, now):
		c.StartOnDemand, c.Soon = append(c.StartOnDemand, path), true
	}
	return false
}

// mayReturn reports whether listeners return to a mount that has been live for that long.
func mayReturn(rule Rule, live time.Duration, c *streaming.Decision) bool {
	rest := rule.ReturnAfter - live
	askAgain(c, rest)
	return rest <= 0
}

// askAgain asks for another decision after rest, if that is earlier than others; 0 or less
// stands for no request.
func askAgain(c *streaming.Decision, rest time.Duration) {
	if rest > 0 && (c.Again == 0 || rest < c.Again) {
		c.Again = rest
	}
}

// canPlay reports whether a player can be started for listeners of a kind.
func (d *Director) canPlay(path, kind string, now time.Time) bool {
	known := d.players.kind(path)
	return d.players.retryIn(path, now) == 0 && (kind == "" || known == "" || known == kind)
}

// reportMismatch calls onTypeMismatch, once for each pair.
func (d *Director) reportMismatch(home, other string) {
	pair := [2]string{home, other}
	d.mu.Lock()
	reported := d.reported[pair]
	d.reported[pair] = true
	d.mu.Unlock()
	if !reported {
		d.onTypeMismatch(home, other)
	}
}

// isPlayer reports whether a path is the name of a player, not of a mount.
func isPlayer(path string) bool { return !strings.HasPrefix(path, "/") }
