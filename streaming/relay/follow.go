package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"sync"
	"time"
)

// masterSilence is how long a master may be silent that sends its list as events: three of its
// heartbeats.
const masterSilence = 3 * Heartbeat

var (
	errSilentMaster = errors.New("no line of the list in time")
	errEmptyStream  = errors.New("the list ended before it began")
)

// isEventStream reports whether an answer is a list as events.
func (a *answer) isEventStream() bool {
	t, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	return t == EventStream
}

// follow takes the list of a master, and its changes, as long as the answer lasts. Meanwhile it
// sends reports. It returns nil if the master has ended the answer in order. cancel ends the
// answer.
func (w *watcher) follow(ctx context.Context, cancel context.CancelCauseFunc, a *answer, base *url.URL) error {
	silence := time.AfterFunc(masterSilence, func() { cancel(errSilentMaster) })
	defer silence.Stop()
	ctx, stop := context.WithCancel(ctx)
	var reporting sync.WaitGroup
	defer reporting.Wait()
	defer stop()
	w.setNode(a)
	begun := false
	begin := func() {
		if !begun {
			begun, w.followed = true, true
			w.changeState(nil)
			reporting.Go(func() { w.reporter.run(ctx) })
		}
	}
	events := newEventReader(a.Body, func() {
		silence.Reset(masterSilence)
		if w.lastEvent != "" { // the list may be as it was, so that there is no event
			begin()
		}
	})
	for {
		event, err := events.next()
		switch {
		case err != nil && !begun:
			w.buffered = errors.Is(context.Cause(ctx), errSilentMaster)
			w.lastEvent = ""
			return cmp.Or(context.Cause(ctx), errEmptyStream)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s%s: %w", base, ListPath, cmp.Or(context.Cause(ctx), err))
		}
		if err := w.takeEvent(event, base); err != nil {
			w.lastEvent = ""
			return fmt.Errorf("%s%s: %w", base, ListPath, err)
		}
		begin()
	}
}

// takeEvent takes the list after an event.
func (w *watcher) takeEvent(event listEvent, base *url.URL) error {
	w.mu.Lock()
	list, there, err := event.applyTo(w.list, w.lastEvent != "", base)
	if err != nil {
		w.mu.Unlock()
		return err
	}
	w.list, w.settled = list, true
	w.mu.Unlock()
	w.lastEvent = event.id
	w.slave.manager.listChanged(w.slave)
	w.slave.manager.retryMirrored(there...) // they may have been away for a moment, of which no event tells
	return nil
}

// setNode notes the id of the master.
func (w *watcher) setNode(a *answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.node = ""
	if path := ParsePath(a.Header.Get(PathHeader)); len(path) > 0 {
		w.node = path[0]
	}
}

// nodeID returns the id of the master; empty: it is unknown.
func (w *watcher) nodeID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.node
}
