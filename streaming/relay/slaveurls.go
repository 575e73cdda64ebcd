package relay

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// khPrefix begins the ids of slaves of Icecast-KH.
const khPrefix = "kh:"

// errKH is why a URL of Icecast-KH is not verified.
var errKH = errors.New("no proof from Icecast-KH; expected its host under slave in role master")

// Verification is the state of a URL of a slave. Listeners are sent to verified ones.
type Verification string

// The states of a URL.
const (
	URLPending  Verification = "pending"
	URLVerified Verification = "verified"
	URLFailed   Verification = "failed"
)

// SlaveURL is a URL that a slave reports for listeners.
type SlaveURL struct {
	URL   string
	State Verification
	Cause string // of URLFailed
}

// slaveURL is a URL of one slave. mu of Slaves guards it.
type slaveURL struct {
	SlaveURL
	isDoubtful bool        // verified, but the last verification has failed
	timer      *time.Timer // starts the next verification
	ctx        context.Context
	cancel     context.CancelFunc // ends the verifications
}

// verifier verifies the URLs of slaves. mu of Slaves guards it; the rest is set once.
type verifier struct {
	verify  func(context.Context, Probe) error // nil: no URL needs it
	places  chan struct{}
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Verify sets the function that verifies URLs of slaves, before the first report. Without it
// no URL needs it.
func (s *Slaves) Verify(verify func(context.Context, Probe) error) {
	s.verifier.verify, s.verifier.places = verify, make(chan struct{}, maxProbes)
	s.verifier.ctx, s.verifier.cancel = context.WithCancel(context.Background())
}

// close ends all verifications, and waits until they have ended. Closed is set, mu is not held.
func (v *verifier) close() {
	if v.cancel != nil {
		v.cancel()
	}
	v.running.Wait()
}

// setURLs takes the URLs of a slave's last report. What is known of a URL stays. mu is held.
func (s *Slaves) setURLs(e *slaveEntry) {
	if slices.EqualFunc(e.urls, e.report.Public, func(u *slaveURL, base string) bool { return u.URL == base }) {
		return
	}
	before := e.urls
	e.urls = nil
	for _, base := range e.report.Public {
		i := slices.IndexFunc(before, func(u *slaveURL) bool { return u.URL == base })
		if i >= 0 {
			e.urls = append(e.urls, before[i])
			before = slices.Delete(before, i, i+1)
			continue
		}
		u := &slaveURL{SlaveURL: SlaveURL{URL: base, State: URLPending}}
		e.urls = append(e.urls, u)
		s.verifyFirst(e, u)
	}
	for _, u := range before {
		u.stop()
	}
}

// forgetURLs makes the next setURLs verify all URLs of a slave again. mu is held.
func (s *Slaves) forgetURLs(e *slaveEntry) {
	for _, u := range e.urls {
		u.stop()
	}
	e.urls = nil
}

// verifyFirst begins the verification of a new URL. mu is held.
func (s *Slaves) verifyFirst(e *slaveEntry, u *slaveURL) {
	isListed := len(e.credential.Hosts) > 0
	switch {
	case s.verifier.verify == nil, isListed && strings.HasPrefix(e.key.id, khPrefix):
		u.State = URLVerified
	case strings.HasPrefix(e.key.id, khPrefix):
		u.State, u.Cause = URLFailed, errKH.Error()
	default:
		u.ctx, u.cancel = context.WithCancel(s.verifier.ctx)
		u.timer = time.AfterFunc(0, func() { s.verifyURL(e, u) })
	}
}

// stop ends the verification of a URL, also one that runs or waits for its place. mu is held.
func (u *slaveURL) stop() {
	if u.timer != nil {
		u.timer.Stop()
	}
	if u.cancel != nil {
		u.cancel()
	}
}

// verifyURL verifies a URL, and sets the timer for the next time.
func (s *Slaves) verifyURL(e *slaveEntry, u *slaveURL) {
	v := &s.verifier
	s.mu.Lock()
	if s.closed || e.isGone || !slices.Contains(e.urls, u) {
		s.mu.Unlock()
		return
	}
	v.running.Add(1)
	defer v.running.Done()
	probe := Probe{Base: u.URL, ID: e.key.id, Key: e.credential.Proof, IsListed: len(e.credential.Hosts) > 0}
	s.mu.Unlock()
	select {
	case v.places <- struct{}{}:
		defer func() { <-v.places }()
	case <-u.ctx.Done():
		return
	}
	ctx, cancel := context.WithTimeout(u.ctx, probeTimeout)
	defer cancel()
	err := v.verify(ctx, probe)
	s.mu.Lock()
	var events []Event
	if !s.closed && !e.isGone && slices.Contains(e.urls, u) {
		events = s.verified(e, u, err)
	}
	s.mu.Unlock()
	s.notify(events)
}

// verified takes the result of a verification. mu is held.
func (s *Slaves) verified(e *slaveEntry, u *slaveURL, err error) (events []Event) {
	wait := probeInterval
	switch {
	case err == nil && u.State == URLVerified:
		u.isDoubtful = false
	case err == nil:
		u.State, u.Cause, u.isDoubtful = URLVerified, "", false
		events = []Event{{Kind: SlaveVerified, Slave: e.label(), Upstream: u.URL}}
	case u.State == URLVerified && !u.isDoubtful:
		u.isDoubtful, wait = true, probeConfirm
	default:
		wait = probeRetry
		if u.State != URLFailed {
			events = []Event{{Kind: SlaveUnverified, Slave: e.label(), Upstream: u.URL, Cause: err.Error()}}
		}
		u.State, u.Cause, u.isDoubtful = URLFailed, err.Error(), false
	}
	if len(events) > 0 {
		s.changed.Store(true)
		e.publish()
	}
	wait += time.Duration(rand.Int64N(int64(wait / 4))) //nolint:gosec // so that not all are verified at once
	u.timer = time.AfterFunc(wait, func() { s.verifyURL(e, u) })
	return events
}

// publish makes the verified URLs known to the snapshots that have the slave. mu is held.
func (e *slaveEntry) publish() {
	var public []string
	for _, u := range e.urls {
		if u.State == URLVerified {
			public = append(public, u.URL)
		}
	}
	e.public.Store(&public)
}

// state returns the state of all URLs of the slave together. mu is held.
func (e *slaveEntry) state() (state Verification, cause string, all []SlaveURL) {
	for _, u := range e.urls {
		all = append(all, u.SlaveURL)
		switch {
		case u.State == URLFailed && state != URLFailed:
			state, cause = URLFailed, u.URL+": "+u.Cause
		case u.State == URLPending && state != URLFailed, state == "":
			state = u.State
		}
	}
	return state, cause, all
}
