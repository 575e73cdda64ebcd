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

// upstreamConn is an open connection to an upstream that sends the stream. One goroutine
// reads the stream; any may close the connection.
type upstreamConn struct {
	upstream   Upstream
	answer     *answer
	path       []string // of nodes through which the stream came
	noMetadata bool     // titles were not requested
	cancel     context.CancelFunc
}

// close ends the connection. It may be called more than once.
func (c *upstreamConn) close() {
	c.cancel()
	_ = c.answer.Body.Close()
}

// onClose adds a function that close calls. It must not be called once the connection is
// shared.
func (c *upstreamConn) onClose(f context.CancelFunc) {
	cancel := c.cancel
	c.cancel = func() { cancel(); f() }
}

// interval returns the number of bytes between the titles in the stream; 0: there are none.
func (c *upstreamConn) interval() int {
	n, err := strconv.Atoi(c.answer.Header.Get("icy-metaint"))
	if err != nil || n < 0 || n > icy.MaxInterval {
		return 0
	}
	return n
}

// addr returns the IP address of the upstream.
func (c *upstreamConn) addr() string {
	host, _, err := net.SplitHostPort(c.answer.conn.RemoteAddr().String())
	if err != nil {
		return ""
	}
	return host
}

// info returns the upstream's description of the stream.
func (c *upstreamConn) info() streaming.Info { return streaming.ParseInfo(c.answer.Header.Get) }

// dialer connects to the upstreams of one relay.
type dialer struct {
	agent      string
	id         string   // of this node
	downstream []string // nodes that the stream is for
	noMetadata bool
	timeout    time.Duration // of each answer
}

// open requests the stream of one upstream, which lasts until ctx ends.
func (d *dialer) open(ctx context.Context, u Upstream) (*upstreamConn, error) {
	header := http.Header{PathHeader: {formatPath(append([]string{d.id}, d.downstream...))}}
	if !d.noMetadata {
		header["Icy-MetaData"] = []string{"1"} // players spell it so
	}
	a, err := u.do(ctx, request{method: http.MethodGet, header: header, agent: d.agent, timeout: d.timeout})
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

// first connects to the first upstream that sends the stream.
func (d *dialer) first(ctx context.Context, upstreams []Upstream) (*upstreamConn, error) {
	r := &race{open: d.open, upstreams: upstreams, results: make(chan raceResult, len(upstreams))}
	return r.run(ctx)
}
