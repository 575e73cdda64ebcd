package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fakeConn returns a connection without a server, whose body reports its close.
func fakeConn(closed *int) *upstreamConn {
	body := struct {
		io.Reader
		io.Closer
	}{strings.NewReader(""), closer(func() { *closed++ })}
	return &upstreamConn{answer: &answer{Response: &http.Response{Body: body}}}
}

type closer func()

func (c closer) Close() error { c(); return nil }

// The losing attempts continued after the race, and nothing waited for their ends.
func TestARaceHasEndedWithItsWinner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		closed := 0
		upstreams := []Upstream{{URL: "silent"}, {URL: "late"}, {URL: "good"}}
		r := &race{upstreams: upstreams, results: make(chan raceResult, len(upstreams))}
		r.open = func(ctx context.Context, u Upstream) (*upstreamConn, error) {
			if u.URL == "good" {
				return &upstreamConn{upstream: u}, nil
			}
			<-ctx.Done()
			time.Sleep(time.Second) // what a lookup or a handshake takes to end
			ended.Add(1)
			if u.URL == "late" {
				return fakeConn(&closed), nil // it was connected in that moment
			}
			return nil, ctx.Err()
		}
		began := time.Now()
		c, err := r.run(t.Context())
		if err != nil || c.upstream.URL != "good" {
			t.Fatalf("%+v, %v", c, err)
		}
		if ended.Load() != 2 || closed != 1 {
			t.Errorf("%d of 2 losers have ended, and %d of 1 connections is closed", ended.Load(), closed)
		}
		if d := time.Since(began); d != 2*dialStagger+time.Second {
			t.Errorf("it took %v", d)
		}
		c.cancel()
	})
}

func TestARaceThatAllLoseHasTheFirstError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := errors.New("first"), errors.New("second")
		r := &race{upstreams: []Upstream{{URL: "a"}, {URL: "b"}}, results: make(chan raceResult, 2)}
		r.open = func(_ context.Context, u Upstream) (*upstreamConn, error) {
			if u.URL == "a" {
				return nil, first
			}
			return nil, second
		}
		began := time.Now()
		if _, err := r.run(t.Context()); !errors.Is(err, first) || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
