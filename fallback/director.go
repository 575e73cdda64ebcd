package fallback

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/format"
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
	rules      func(path string) Rule
	players    *Players
	demand     OnDemand
	onMismatch func(Mismatch)

	mu        sync.Mutex
	reported  map[mismatchKey]bool // passed to onMismatch
	plans     map[string]plan      // by home
	forgotten int                  // how often Forget was called
}

// Mismatch is a fallback that differs from what listeners of a mount were promised.
type Mismatch struct {
	Home, Fallback string
	Kind           MismatchKind

	Promised, Offered format.Audio // zero for OtherType
}

// MismatchKind is what comes of a mismatch.
type MismatchKind uint8

// The kinds of mismatches.
const (
	OtherType    MismatchKind = iota // the fallback is skipped: its content type differs
	OtherAudio                       // it is heard because none fits; many players stop
	NoneWouldFit                     // it would be heard, if the source were lost now
)

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
// and the standby loop. onMismatch is called once for each pair of mounts, under the
// station's lock. demand may be nil.
func NewDirector(rules func(path string) Rule, players *Players, demand OnDemand, onMismatch func(Mismatch)) *Director {
	if demand == nil {
		demand = noDemand{}
	}
	return &Director{
		rules: rules, players: players, demand: demand, onMismatch: onMismatch,
		reported: make(map[mismatchKey]bool), plans: make(map[string]plan),
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

// Choose decides what listeners hear: the first mount in order that is live, has the type of
// their stream and, if there is one, its audio. They stay on the current mount while its
// source may come back, and leave it for a better one if the rule allows that.
func (d *Director) Choose(q streaming.Query) streaming.Decision {
	c := d.choose(q)
	if c.Hear == "" && !c.Soon && q.Audio != (format.Audio{}) {
		any := q
		any.Audio = format.Audio{}
		again := c.Again
		c = d.choose(any)
		askAgain(&c, again)
		if c.Hear != "" && c.Hear != q.Home {
			d.report(Mismatch{q.Home, c.Hear, OtherAudio, q.Audio, q.State(c.Hear).Audio})
		}
	}
	if c.Hear == q.Home {
		d.foresee(q)
	}
	if c.Hear == "" && !c.Soon && q.State(q.Home).Usable(q.Type) {
		c.Hear = q.Home // listeners wait for the source
	}
	return c
}

// choose decides without regard to what is waited for. Of fallbacks it takes only those
// with the audio of the query.
func (d *Director) choose(q streaming.Query) streaming.Decision {
	rule, order := d.plan(q.Home).rule, d.plan(q.Home).order
	var c streaming.Decision
	home := q.State(q.Home)
	// Then listeners that reconnect get the new type, so no player keeps them.
	otherType := home.Live && q.Type != "" && home.Type != q.Type
	fits := func(path string) bool { return path == q.Home || q.Audio.Fits(q.State(path).Audio) }
	canStay := q.Heard != "" && q.State(q.Heard).Usable(q.Type) && slices.Contains(order, q.Heard) &&
		fits(q.Heard) && (!otherType || !isPlayer(q.Heard))
	for _, path := range order {
		s := q.State(path)
		switch {
		case path == q.Heard && canStay:
			c.Hear = path
			return c
		case otherType && isPlayer(path):
		case !s.Live:
			askAgain(&c, d.players.retryIn(path, q.Now))
			if canStay && rule.Stay {
				continue
			}
			if d.requestStart(path, q, &c) && !canStay {
				return c // it starts in a moment, so nothing else is chosen
			}
		case q.Type != "" && s.Type != q.Type:
			d.report(Mismatch{Home: q.Home, Fallback: path})
		case !fits(path):
		case canStay && (rule.Stay || !isPlayer(path) && !mayReturn(rule, q.Now.Sub(s.Since), &c)):
		default:
			c.Hear = path
			return c
		}
	}
	return c
}

// foresee reports the fallback that listeners of home would hear if its source were lost
// now, in case that none fits. A fallback that has yet to start may fit.
func (d *Director) foresee(q streaming.Query) {
	if q.Audio == (format.Audio{}) || !q.State(q.Home).Live {
		return
	}
	var other *Mismatch
	for _, path := range d.plan(q.Home).order[1:] {
		switch s := q.State(path); {
		case s.Live && s.Type == q.Type && q.Audio.Fits(s.Audio), !s.Live && d.mayStart(path, q):
			return
		case s.Live && s.Type == q.Type && other == nil:
			other = &Mismatch{q.Home, path, NoneWouldFit, q.Audio, s.Audio}
		}
	}
	if other != nil {
		d.report(*other)
	}
}

// mayStart reports whether a mount that is not live can be started.
func (d *Director) mayStart(path string, q streaming.Query) bool {
	if isPlayer(path) {
		return d.players.canPlay(path, q)
	}
	return d.demand.Offers(path, q.Type)
}

// requestStart adds a mount that is not live to those to start, if it can be started. It
// reports whether a mount fed on demand will be live soon.
func (d *Director) requestStart(path string, q streaming.Query, c *streaming.Decision) bool {
	switch {
	case !isPlayer(path):
		if !d.demand.Offers(path, q.Type) {
			return false
		}
		c.StartOnDemand = append(c.StartOnDemand, path)
		soon := !d.demand.Failing(path)
		c.Soon = c.Soon || soon
		return soon
	case !slices.ContainsFunc(c.StartOnDemand, isPlayer) && d.players.canPlay(path, q):
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

// mismatchKey is what is passed on once.
type mismatchKey struct {
	home, fallback string
	kind           MismatchKind
}

// report passes on a mismatch, once for each pair of mounts.
func (d *Director) report(m Mismatch) {
	key := mismatchKey{m.Home, m.Fallback, m.Kind}
	d.mu.Lock()
	reported := d.reported[key]
	d.reported[key] = true
	d.mu.Unlock()
	if !reported {
		d.onMismatch(m)
	}
}

// isPlayer reports whether a path is the name of a player, not of a mount.
func isPlayer(path string) bool { return !strings.HasPrefix(path, "/") }
