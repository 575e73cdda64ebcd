package fallback

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming"
)

// Rule is what a mount's settings say of its fallbacks. The zero value is a mount
// without any.
type Rule struct {
	// Fallbacks are mounts, or what File and Standby return, the best first.
	Fallbacks []string

	// Stay leaves listeners where they are until that ends, even if something
	// better is back.
	Stay bool

	// ReturnAfter is how long what is better must have been on the air before
	// listeners go back to it.
	ReturnAfter time.Duration
}

// OnDemand feeds mounts from elsewhere while somebody hears them. Its methods are
// called under the station's lock, so they must not call back.
type OnDemand interface {
	// Offers tells whether a mount is fed on demand, and may be of that kind for all
	// that is known; empty: of any.
	Offers(path, kind string) bool

	// Failing tells whether that was tried and takes too long: others stand in
	// meanwhile.
	Failing(path string) bool

	// StartOnDemand starts feeding a mount. It is called for each new listener.
	StartOnDemand(path string)
}

// nothing is an OnDemand that feeds no mount.
type nothing struct{}

func (nothing) Offers(string, string) bool { return false }
func (nothing) Failing(string) bool        { return false }
func (nothing) StartOnDemand(string)       {}

// Director decides, by rules, which mount's stream listeners hear.
type Director struct {
	rules   func(path string) Rule
	players *Players
	demand  OnDemand
	passed  func(home, other string) // a mount was passed over because of its type

	mu    sync.Mutex
	told  map[[2]string]bool
	plans map[string]plan
}

// plan is what follows from the rules for one mount.
type plan struct {
	rule  Rule
	order []string
}

// maxPlans bounds what is remembered of mounts that may not even exist.
const maxPlans = 10000

// NewDirector returns a director. rules returns the rule of the mount at a path;
// players feed what is no mount of its own. passed is called once for each pair of
// mounts of which the second can't stand in for the first, since its content type
// is another. demand may be nil.
func NewDirector(rules func(path string) Rule, players *Players, demand OnDemand, passed func(home, other string)) *Director {
	if demand == nil {
		demand = nothing{}
	}
	return &Director{
		rules: rules, players: players, demand: demand, passed: passed,
		told: make(map[[2]string]bool), plans: make(map[string]plan),
	}
}

// HasFallback tells whether a mount has a fallback, or is fed on demand.
func (d *Director) HasFallback(path string) bool {
	return d.demand.Offers(path, "") || len(d.plan(path).rule.Fallbacks) > 0
}

// Forget makes the director ask for all rules again.
func (d *Director) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.plans)
}

// plan returns the rule of a mount and its order.
func (d *Director) plan(path string) plan {
	d.mu.Lock()
	p, ok := d.plans[path]
	d.mu.Unlock()
	if ok {
		return p
	}
	p = plan{d.rules(path), d.order(path)}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.plans) >= maxPlans {
		clear(d.plans)
	}
	d.plans[path] = p
	return p
}

// Overflow returns the mounts that may take listeners for whom there is no place.
func (d *Director) Overflow(path string) []string {
	var mounts []string
	for _, p := range d.plan(path).order[1:] {
		if !isInternal(p) {
			mounts = append(mounts, p)
		}
	}
	return mounts
}

// StartOnDemand begins to play what is no mount of its own, or asks for what is fed on
// demand.
func (d *Director) StartOnDemand(path string) {
	if isInternal(path) {
		d.players.start(path)
	} else {
		d.demand.StartOnDemand(path)
	}
}

// order returns what may be heard at a mount, the best first: itself, its first
// fallback, that one's own fallbacks, then its second, and so on. Each mount is
// there once, so mounts may back each other up.
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
		if isInternal(path) {
			return
		}
		for _, next := range d.rules(path).Fallbacks {
			visit(next)
		}
	}
	visit(home)
	return all
}

// Choose says what listeners are to hear: the first in order that is live and of
// the type that they were promised. What they hear already is good as long as its
// source may come back; for something better they leave it if the rule says so.
func (d *Director) Choose(q streaming.Query) streaming.Decision {
	rule, order := d.plan(q.Home).rule, d.plan(q.Home).order
	var c streaming.Decision
	stays := q.Heard != "" && q.State(q.Heard).Usable(q.Type) && slices.Contains(order, q.Heard)
	for _, path := range order {
		s := q.State(path)
		if path == q.Heard && stays {
			c.Hear = path
			return c
		}
		if !s.Live {
			if rest := d.players.broken(path, q.Now); rest > 0 && (c.Again == 0 || rest < c.Again) {
				c.Again = rest
			}
			if stays && rule.Stay {
				continue
			}
			if d.summon(path, q.Type, &c) && !stays {
				return c // it is here in a moment, whatever else there is to hear
			}
			continue
		}
		if q.Type != "" && s.Type != q.Type {
			if path == q.Home && q.Heard != "" && isInternal(q.Heard) {
				return streaming.Decision{} // who asks again gets it
			}
			d.passOver(q.Home, path)
			continue
		}
		if stays && (rule.Stay || !isInternal(path) && !returns(rule, q.Now.Sub(s.Since), &c)) {
			continue
		}
		c.Hear = path
		return c
	}
	if !c.Soon && q.State(q.Home).Usable(q.Type) {
		c.Hear = q.Home // it is waited for
	}
	return c
}

// summon asks for what is not on the air but could be. It tells whether that is
// a mount that comes from elsewhere without delay.
func (d *Director) summon(path, contentType string, c *streaming.Decision) bool {
	switch {
	case !isInternal(path):
		if !d.demand.Offers(path, contentType) {
			return false
		}
		c.StartOnDemand = append(c.StartOnDemand, path)
		soon := !d.demand.Failing(path)
		c.Soon = c.Soon || soon
		return soon
	case !slices.ContainsFunc(c.StartOnDemand, isInternal) && d.mayPlay(path, contentType):
		c.StartOnDemand, c.Soon = append(c.StartOnDemand, path), true
	}
	return false
}

// returns tells whether listeners go back to what has been live for so long.
func returns(rule Rule, live time.Duration, c *streaming.Decision) bool {
	rest := rule.ReturnAfter - live
	if rest > 0 && (c.Again == 0 || rest < c.Again) {
		c.Again = rest
	}
	return rest <= 0
}

// mayPlay tells whether a player could feed those who were promised a type.
func (d *Director) mayPlay(path, contentType string) bool {
	known := d.players.contentType(path)
	return d.players.broken(path, time.Now()) == 0 && (contentType == "" || known == "" || known == contentType)
}

func (d *Director) passOver(home, other string) {
	pair := [2]string{home, other}
	d.mu.Lock()
	told := d.told[pair]
	d.told[pair] = true
	d.mu.Unlock()
	if !told {
		d.passed(home, other)
	}
}

// isInternal tells whether a path is that of a player and of no mount.
func isInternal(path string) bool { return !strings.HasPrefix(path, "/") }
