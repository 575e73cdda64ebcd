package relay

import (
	"context"
	"errors"
	"slices"
	"time"
)

// attempt dials the upstreams and plays the first that answers. After patience, listeners
// hear a fallback until the first unit has arrived. Only run calls it.
func (r *relay) attempt() error {
	delayed := make(chan struct{})
	delay := time.AfterFunc(patience, func() {
		defer close(delayed)
		r.change(change{trigger: dialDelayed})
	})
	defer func() {
		if !delay.Stop() {
			<-delayed
		}
	}()
	c, err := r.dial()
	if err != nil {
		return err
	}
	return r.play(c)
}

// dial connects to an upstream, unless a better one is connected already. It gives up when
// the configuration changes.
func (r *relay) dial() (*upstreamConn, error) {
	if c := r.better; c != nil {
		r.better = nil
		return c, nil
	}
	r.change(change{trigger: dialStarted})
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	r.mu.Lock()
	r.endAttempt = cancel
	settings := r.settings.Load()
	r.mu.Unlock()
	c, err := r.open(ctx, settings, r.order(settings.Upstreams))
	r.mu.Lock()
	r.endAttempt = nil
	r.mu.Unlock()
	if err != nil && ctx.Err() != nil && r.ctx.Err() == nil {
		err = errOutdated
	}
	return c, err
}

// order returns the upstreams in the order of dialing: a silent one is the last, behind its
// successors.
func (r *relay) order(upstreams []Upstream) []Upstream {
	i := slices.IndexFunc(upstreams, func(u Upstream) bool { return u.URL == r.silentUpstream })
	if i < 0 {
		return upstreams
	}
	return slices.Concat(upstreams[i+1:], upstreams[:i+1])
}

// open connects to the first of some upstreams that sends the stream. The end of ctx stops
// the dialing; the connection lasts until the relay is stopped.
func (r *relay) open(ctx context.Context, settings *Config, upstreams []Upstream) (*upstreamConn, error) {
	life, end := context.WithCancel(r.ctx)
	keep := context.AfterFunc(ctx, end)
	d := &dialer{
		agent: r.manager.agent, id: r.manager.ID, downstream: r.downstreamIDs(),
		noMetadata: settings.NoMetadata, timeout: settings.timeout(),
	}
	c, err := d.first(life, upstreams)
	if errors.Is(err, ErrLoop) && len(d.downstream) > 0 {
		// The loop may be that of a waiting node only, which is refused when it asks again.
		d.downstream = nil
		c, err = d.first(life, upstreams)
	}
	if err == nil && !keep() {
		c.close()
		err = ctx.Err()
	}
	if err != nil {
		keep()
		end()
		return nil, err
	}
	c.onClose(end)
	return c, nil
}

// closeBetter closes a better connection that is not needed any more.
func (r *relay) closeBetter() {
	if r.better != nil {
		r.better.close()
		r.better = nil
	}
}
