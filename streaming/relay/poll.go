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
	"time"
)

const (
	// ListPath is the path of a master's list.
	ListPath = "/admin/streamlist.txt"

	// EventStream is the content type of a list that is followed by its changes.
	EventStream = "text/event-stream"

	// Heartbeat is the longest time between two lines of such a list.
	Heartbeat = 2 * time.Second

	// maxPollWait bounds the delay of an answer that is requested of a master.
	maxPollWait = 30 * time.Second
)

var (
	// errPollAgain ends a delayed request in favour of a new one.
	errPollAgain = errors.New("replaced by a new request")

	errSlowList = errors.New("the list is incomplete after the time limit")
)

// poll sends one request and takes the list of the answer. If the master sends its list as
// events, it follows them to their end.
func (w *watcher) poll() (failed error) {
	settings := w.slave.settings.Load()
	u := *w.master.Load()
	base, err := url.Parse(u.URL)
	if err != nil {
		return err
	}
	u.URL = strings.TrimSuffix(u.URL, "/") + ListPath
	q := request{method: http.MethodGet, header: http.Header{}, agent: w.slave.manager.agent, timeout: settings.timeout()}
	q.header.Set(PathHeader, w.slave.manager.ID)
	q.header.Set(ProtectedHeader, "1")
	switch {
	case w.reports:
		wait := min(settings.interval(), maxPollWait)
		q.timeout += wait
		shared, err := w.addReport(&q, wait)
		if err != nil {
			return err
		}
		defer func() { shared(failed) }()
	case !w.buffered:
		w.acceptEvents(&q)
	}
	ctx, cancel := context.WithCancelCause(w.slave.ctx)
	defer cancel(nil)
	limit := time.AfterFunc(q.timeout+DefaultTimeout, func() { cancel(errSlowList) })
	defer limit.Stop()
	ctx, stop := w.untilPollNow(ctx)
	defer stop()
	a, err := u.do(ctx, q)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer a.Body.Close()
	if a.StatusCode == http.StatusOK && a.isEventStream() {
		limit.Stop()
		return w.follow(ctx, cancel, a, base)
	}
	if err := w.take(a, base); err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	return nil
}

// acceptEvents adds to a request that the list may be sent as events.
func (w *watcher) acceptEvents(q *request) {
	q.header.Set("Accept", EventStream+", text/plain;q=0.9, */*;q=0.8")
	if w.lastEvent != "" {
		q.header.Set("Last-Event-ID", w.lastEvent)
	}
}

// addReport adds this node's report to a request, and asks for a delayed answer. shared must be
// called with the result.
func (w *watcher) addReport(q *request, wait time.Duration) (shared func(error), err error) {
	q.method = http.MethodPost
	q.header.Set("Content-Type", "application/json")
	q.header.Set("Prefer", "wait="+strconv.Itoa(int(max(wait, time.Second)/time.Second)))
	if w.etag != "" {
		q.header.Set("If-None-Match", w.etag)
	}
	r := w.slave.report(w.nodeID())
	shared = w.slave.share(w, &r)
	q.body, err = json.Marshal(r)
	return shared, err
}

// untilPollNow returns a context for a request, which ends a delayed one at pollNow. stop
// must be called.
func (w *watcher) untilPollNow(ctx context.Context) (_ context.Context, stop func()) {
	if !w.waits {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		select {
		case <-w.polls:
			cancel(errPollAgain)
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel(nil)
		wait.Wait()
	}
}

// take takes the list of an answer.
func (w *watcher) take(a *answer, base *url.URL) error {
	switch a.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		if w.reports {
			w.record.reported()
		}
		return nil
	case http.StatusUnauthorized:
		return refuseCredentials(base.String())
	case http.StatusLoopDetected:
		return refusal{fmt.Sprintf("%s: this is the station itself; point master at another", base)}
	default:
		text := fmt.Sprintf("%s%s: answer %s; expected 200 and a list: %s", base, ListPath, a.Status, a.reason())
		return refusal{strings.TrimSuffix(text, ": ")}
	}
	if a.isEmptyOfCaddy() {
		return refusal{fmt.Sprintf("%s%s: an empty answer; expected a list (is there a site for this host name that has icecast?)", base, ListPath)}
	}
	list, err := readList(a.Body, base)
	if err != nil {
		return fmt.Errorf("%s%s: %w", base, ListPath, err)
	}
	reported := w.reports
	if reported {
		w.record.reported()
	}
	w.etag = a.Header.Get("ETag")
	w.reports = strings.Contains(a.Header.Get("Accept-Post"), "application/json")
	// The first report is sent without waiting.
	w.waits = w.reports && (!reported || strings.Contains(a.Header.Get("Preference-Applied"), "wait"))
	w.lastEvent = ""
	w.setNode(a)
	w.mu.Lock()
	w.list, w.settled = list, true
	w.mu.Unlock()
	w.slave.manager.listChanged(w.slave)
	return nil
}

// isEmptyOfCaddy reports whether an answer is that of a Caddy without a site for the host of the
// request. Each Icecast sends the content type of an empty list.
func (a *answer) isEmptyOfCaddy() bool {
	return a.ContentLength == 0 && a.Header.Get("Content-Type") == ""
}
