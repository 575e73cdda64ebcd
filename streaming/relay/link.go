package relay

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/icy"
)

// stagger is how long an upstream has to answer before the next is asked, too.
const stagger = time.Second

// upstreamConn is an open connection to an upstream that sends the stream.
type upstreamConn struct {
	upstream Upstream
	answer   *answer
	path     []string // of nodes through which the stream came

	noMetadata bool // none was asked for
	cancel     context.CancelFunc
}

// close ends the connection. It may be called more than once.
func (l *upstreamConn) close() {
	l.cancel()
	_ = l.answer.Body.Close()
}

// interval returns the space between the metadata blocks in the stream.
func (l *upstreamConn) interval() int {
	n, err := strconv.Atoi(l.answer.Header.Get("icy-metaint"))
	if err != nil || n < 0 || n > icy.MaxInterval {
		return 0
	}
	return n
}

// addr returns the IP address of the upstream.
func (l *upstreamConn) addr() string {
	host, _, err := net.SplitHostPort(l.answer.conn.RemoteAddr().String())
	if err != nil {
		return ""
	}
	return host
}

// info returns what the upstream says of the stream.
func (l *upstreamConn) info() streaming.Info { return streaming.ParseInfo(l.answer.Header.Get) }

// dialer opens links for one relay.
type dialer struct {
	agent      string
	id         string   // of this node
	below      []string // nodes that the stream is for
	noMetadata bool
	within     time.Duration
}

// open asks one upstream for its stream, which lasts until ctx ends.
func (d *dialer) open(ctx context.Context, u Upstream) (*upstreamConn, error) {
	header := http.Header{PathHeader: {formatPath(append([]string{d.id}, d.below...))}}
	if !d.noMetadata {
		header["Icy-MetaData"] = []string{"1"} // as players write it
	}
	a, err := u.do(ctx, request{method: http.MethodGet, header: header, agent: d.agent, within: d.within})
	if err != nil {
		return nil, err
	}
	path := ParsePath(a.Header.Get(PathHeader))
	if a.StatusCode == http.StatusLoopDetected || slices.Contains(path, d.id) {
		err = fmt.Errorf("%s: %w", u.URL, ErrLoop)
	} else {
		err = a.checkStream(u.URL)
	}
	if err != nil {
		_ = a.Body.Close()
		return nil, err
	}
	return &upstreamConn{upstream: u, answer: a, path: path, noMetadata: d.noMetadata}, nil
}

// race is a dialer's attempts at several upstreams, of which the first to send the
// stream wins.
type race struct {
	dialer    *dialer
	upstreams []Upstream
	results   chan attempt
	cancels   []context.CancelFunc // of those that have begun
	over      int                  // attempts
}

type attempt struct {
	number int
	link   *upstreamConn
	err    error
}

// first opens a link to the first upstream that sends the stream. The next one is
// asked when one has failed, or does not answer at once.
func (d *dialer) first(ctx context.Context, upstreams []Upstream) (*upstreamConn, error) {
	r := &race{dialer: d, upstreams: upstreams, results: make(chan attempt, len(upstreams))}
	defer func() { go r.clear() }()
	patience := time.NewTicker(stagger)
	defer patience.Stop()
	var failed error
	for r.ask(ctx); r.over < len(r.cancels); {
		select {
		case a := <-r.results:
			r.over++
			if a.err == nil {
				a.link.cancel, r.cancels[a.number] = r.cancels[a.number], func() {}
				return a.link, nil
			}
			if failed == nil {
				failed = a.err // that of the upstream that should have answered
			}
			r.ask(ctx)
		case <-patience.C:
			r.ask(ctx)
		}
	}
	return nil, failed
}

// ask begins with the next upstream, if there is one.
func (r *race) ask(ctx context.Context) {
	n := len(r.cancels)
	if n == len(r.upstreams) {
		return
	}
	ctx, cancel := context.WithCancel(ctx) //nolint:gosec // G118: clear calls it, or the link that wins
	r.cancels = append(r.cancels, cancel)
	go func() {
		l, err := r.dialer.open(ctx, r.upstreams[n])
		r.results <- attempt{n, l, err}
	}()
}

// clear ends those that have not won.
func (r *race) clear() {
	for _, cancel := range r.cancels {
		cancel()
	}
	for ; r.over < len(r.cancels); r.over++ {
		if a := <-r.results; a.link != nil {
			a.link.cancel = func() {}
			a.link.close()
		}
	}
}
