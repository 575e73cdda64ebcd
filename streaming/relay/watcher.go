package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// ListPath is where a master has its list.
	ListPath = "/admin/streamlist.txt"

	// longestWait bounds how long a master may keep a question for its list until
	// there is news.
	longestWait = 30 * time.Second

	// leastGap is between two questions, whatever happens.
	leastGap = 200 * time.Millisecond
)

// watcher keeps the list of one master.
//
// Any Icecast answers a GET. A caddycast says in that answer that it accepts a
// report (Accept-Post, of the Linked Data Platform), and is posted one from then
// on. It names the state of its list (ETag) and, when it is asked to wait for
// another one (Prefer, RFC 7240), answers as soon as there is.
type watcher struct {
	slave  *slave
	master atomic.Pointer[Upstream]
	kicks  chan struct{} // cap 1

	mu      sync.Mutex
	list    []listed
	node    string // id of the master, if it says so
	settled bool   // it has answered, or not, once

	// run's.
	etag    string
	reports bool // the master takes them
	waits   bool // and keeps the question until there is news
	told    standing
}

func newWatcher(s *slave, master Upstream) *watcher {
	w := &watcher{slave: s, kicks: make(chan struct{}, 1)}
	w.master.Store(&master)
	return w
}

func (w *watcher) listed() []listed {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list
}

// inherit takes over what another watcher knows of the same master.
func (w *watcher) inherit(o *watcher) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.list, w.node, w.settled = o.list, o.node, o.settled
}

func (w *watcher) isSettled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.settled
}

// settle notes that the master has answered, or not. It reports whether that is the
// first time.
func (w *watcher) settle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := !w.settled
	w.settled = true
	return first
}

// upstream returns a stream of the master, to which the master's password belongs
// unless it is on another host.
func (w *watcher) upstream(at string) Upstream {
	u := *w.master.Load()
	base, err := url.Parse(u.URL)
	if stream, e := url.Parse(at); err != nil || e != nil || !trusts(base, stream) {
		u.User, u.Password = "", ""
	}
	u.URL = at
	w.mu.Lock()
	u.node = w.node
	w.mu.Unlock()
	return u
}

// kick makes the next question come now.
func (w *watcher) kick() {
	select {
	case w.kicks <- struct{}{}:
	default:
	}
}

// run asks until the slave is stopped.
func (w *watcher) run() {
	for failures := 0; w.slave.ctx.Err() == nil; {
		began := time.Now()
		err := w.poll()
		pause := w.slave.current().interval()
		switch {
		case errors.Is(err, errKicked):
			w.etag, pause = "", 0 // with nothing to compare with it is answered at once
		case err != nil:
			w.etag, w.reports, w.waits = "", false, false
			failures++
			if w.settle() {
				w.slave.manager.mirror(w.slave)
			}
			pause = min(pause, backoff(failures))
			w.tell(err)
		default:
			failures = 0
			if w.waits {
				pause = 0
			}
			w.tell(nil)
		}
		w.pause(began, pause)
	}
}

// pause waits for the next question, whose predecessor has been asked at began.
func (w *watcher) pause(began time.Time, pause time.Duration) {
	gap := time.NewTimer(time.Until(began.Add(leastGap)))
	defer gap.Stop()
	select {
	case <-gap.C:
	case <-w.slave.ctx.Done():
		return
	}
	rest := time.NewTimer(pause)
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-w.kicks:
	case <-w.slave.ctx.Done():
	}
}

// standing is what is known of a master.
type standing uint8

const (
	unknown standing = iota
	answers          // with its list
	refuses          // to tell it
	unreachable
)

// refusal is what a master says in place of its list.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

// tell makes known that the master answers, or does not.
func (w *watcher) tell(err error) {
	now := answers
	if errors.As(err, new(refusal)) {
		now = refuses
	} else if err != nil {
		now = unreachable
	}
	if now == w.told || w.slave.ctx.Err() != nil {
		return
	}
	if w.told = now; now == answers {
		w.slave.manager.kickMirrored() // what waits for this master needs not wait any longer
	}
	e := Event{Kind: MasterUp, Upstream: w.master.Load().URL}
	if err != nil {
		e.Kind, e.Cause = MasterDown, err.Error()
	}
	w.slave.manager.tell(e)
}

// poll asks once and takes the list over.
func (w *watcher) poll() error {
	settings := w.slave.current()
	u := *w.master.Load()
	base, err := url.Parse(u.URL)
	if err != nil {
		return err
	}
	u.URL = strings.TrimSuffix(u.URL, "/") + ListPath
	q := request{method: http.MethodGet, header: http.Header{}, agent: w.slave.manager.agent, within: settings.Timeout}
	if q.within <= 0 {
		q.within = DefaultTimeout
	}
	q.header.Set(PathHeader, w.slave.manager.ID)
	if w.reports {
		wait := min(settings.interval(), longestWait)
		q.within += wait
		if err := w.fillReport(&q, wait); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeoutCause(w.slave.ctx, q.within+DefaultTimeout, errSlow)
	defer cancel()
	ctx, stop := w.untilKick(ctx)
	defer stop()
	a, err := u.do(ctx, q)
	if err == nil {
		err = w.take(a, base)
		_ = a.Body.Close()
	}
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	return nil
}

// fillReport makes a question one with a report, which a master may keep for a while.
func (w *watcher) fillReport(q *request, wait time.Duration) (err error) {
	q.method = http.MethodPost
	q.header.Set("Content-Type", "application/json")
	q.header.Set("Prefer", "wait="+strconv.Itoa(int(max(wait, time.Second)/time.Second)))
	if w.etag != "" {
		q.header.Set("If-None-Match", w.etag)
	}
	q.body, err = json.Marshal(w.slave.report())
	return err
}

var (
	// errKicked ends a question because there is reason to ask anew.
	errKicked = errors.New("asked anew")

	errSlow = errors.New("the list does not come to its end")
)

// untilKick returns a context for a question that a master keeps, which ends when
// there is reason to ask anew.
func (w *watcher) untilKick(ctx context.Context) (context.Context, func()) {
	if !w.waits {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-w.kicks:
			cancel(errKicked)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}

// take reads the answer.
func (w *watcher) take(a *answer, base *url.URL) error {
	switch a.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		return nil
	case http.StatusUnauthorized:
		return refusal{fmt.Sprintf("%s answers 401: it wants the user and the relay_password that are set there", base)}
	case http.StatusLoopDetected:
		return refusal{fmt.Sprintf("%s: this is the station itself; point master at another", base)}
	default:
		return refusal{fmt.Sprintf("%s answers %s when it is asked for %s", base, a.Status, ListPath)}
	}
	list, err := readList(a.Body, base)
	if err != nil {
		return fmt.Errorf("the list of %s: %w", base, err)
	}
	asked := w.reports
	w.etag = a.Header.Get("ETag")
	w.reports = strings.Contains(a.Header.Get("Accept-Post"), "application/json")
	// To one that takes reports the first goes at once.
	w.waits = w.reports && (!asked || strings.Contains(a.Header.Get("Preference-Applied"), "wait"))
	w.mu.Lock()
	w.list, w.settled, w.node = list, true, ""
	if path := ParsePath(a.Header.Get(PathHeader)); len(path) > 0 {
		w.node = path[0]
	}
	w.mu.Unlock()
	w.slave.manager.mirror(w.slave)
	return nil
}
