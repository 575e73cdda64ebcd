package relay

import (
	"context"
	"time"
)

// dialStagger is how long an upstream may take before the next one is dialed, too.
const dialStagger = time.Second

// race dials several upstreams, of which the first to send the stream wins. An upstream is
// dialed when the one before it failed, or did not answer within dialStagger.
type race struct {
	open      func(context.Context, Upstream) (*upstreamConn, error)
	upstreams []Upstream
	results   chan raceResult // one of each upstream that was dialed

	// Owned by run.
	cancels  []context.CancelFunc // of the upstreams that were dialed
	finished int                  // of those, how many have sent their result
}

type raceResult struct {
	number int
	conn   *upstreamConn
	err    error
}

// run returns the winner's connection, or the error of the first upstream that failed. All
// other attempts have ended when it returns.
func (r *race) run(ctx context.Context) (*upstreamConn, error) {
	defer r.endLosers()
	stagger := time.NewTicker(dialStagger)
	defer stagger.Stop()
	var failed error
	for r.dialNext(ctx); r.finished < len(r.cancels); {
		select {
		case result := <-r.results:
			r.finished++
			if result.err == nil {
				result.conn.cancel, r.cancels[result.number] = r.cancels[result.number], func() {}
				return result.conn, nil
			}
			if failed == nil {
				failed = result.err
			}
			r.dialNext(ctx)
		case <-stagger.C:
			r.dialNext(ctx)
		}
	}
	return nil, failed
}

// dialNext dials the next upstream, if there is one.
func (r *race) dialNext(ctx context.Context) {
	n := len(r.cancels)
	if n == len(r.upstreams) {
		return
	}
	ctx, cancel := context.WithCancel(ctx) //nolint:gosec // G118: endLosers calls it, or the winner's close
	r.cancels = append(r.cancels, cancel)
	go func() { // endLosers waits for the result
		c, err := r.open(ctx, r.upstreams[n])
		r.results <- raceResult{n, c, err}
	}()
}

// endLosers ends all attempts but the winner's, and waits for their ends.
func (r *race) endLosers() {
	for _, cancel := range r.cancels {
		cancel()
	}
	for ; r.finished < len(r.cancels); r.finished++ {
		if result := <-r.results; result.conn != nil {
			result.conn.cancel = func() {}
			result.conn.close()
		}
	}
}
