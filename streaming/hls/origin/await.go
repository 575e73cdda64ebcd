package origin

import (
	"context"
	"errors"
	"reflect"

	"github.com/caddycast/caddycast/streaming/hls"
)

// ErrTooFar is returned for a segment or a part that will not be there soon.
var ErrTooFar = errors.New("the segment or the part is too far ahead of the playlist")

// await looks at the views of a mount, each once, until a condition holds or ctx is done, and reports
// whether it held.
func (m *Mount) await(ctx context.Context, holds func() bool) bool {
	for {
		changed := m.nextView()
		if holds() {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// nextView returns a channel that is closed when there is another view.
func (m *Mount) nextView() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// Changes are the next views of some mounts. It is for one goroutine, and for one wait.
type Changes struct{ cases []reflect.SelectCase }

// NewChanges returns the changes of no mount. A wait for them ends with ctx.
func NewChanges(ctx context.Context) *Changes {
	c := new(Changes)
	c.add(ctx.Done())
	return c
}

// Of adds a mount: who looks at its view afterwards misses no change.
func (c *Changes) Of(m *Mount) { c.add(m.nextView()) }

func (c *Changes) add(closed <-chan struct{}) {
	c.cases = append(c.cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(closed)})
}

// Await waits until one of the mounts has another view.
func (c *Changes) Await() { reflect.Select(c.cases) }

// Await returns a page of the list that goes on, or of the long one, as soon as there is one. The
// error is an UnsupportedError, or why ctx is done.
func (m *Mount) Await(ctx context.Context, long bool) (page *hls.Page, err error) {
	if !m.await(ctx, func() bool {
		v := m.see(long)
		if v.Page != nil && !v.Ended && len(v.Segments) >= leastSegments {
			page = v.Page
		} else {
			err = m.View().err
		}
		return page != nil || err != nil
	}) {
		return nil, ctx.Err()
	}
	return page, err
}

// AwaitUpdate waits until the list, or the long one, has a segment, and a part of it unless that is
// -1; or until there is no more list, or ctx is done: a player takes the list as it is then. The
// error is ErrTooFar.
func (m *Mount) AwaitUpdate(ctx context.Context, long bool, sequence uint64, part int) (err error) {
	m.await(ctx, func() bool {
		v := m.see(long)
		switch {
		case v.Page == nil || v.Ended || v.Has(sequence, part):
			return true
		case !v.MayAwait(sequence, part):
			err = ErrTooFar
		}
		return err != nil
	})
	return err
}

// AwaitFile returns the file of a name, nil if there is none. It waits for the part that comes next.
func (m *Mount) AwaitFile(ctx context.Context, name string) (file *hls.File) {
	m.await(ctx, func() bool {
		hint := m.View().Page != nil && m.View().Hint == name // looked at first: it can be there after that
		file = m.File(name)
		return file != nil || !hint
	})
	return file
}
