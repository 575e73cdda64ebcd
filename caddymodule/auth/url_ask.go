package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming/icy"
)

// errCrowd is the error of a question that was not asked since too many others were. It is no
// failure of the endpoint.
var errCrowd = fmt.Errorf("%w: too many questions at once", ErrUnavailable)

// ask posts a question, with these credentials if the configuration has none. It returns the
// header of the answer, and whether the endpoint may have received the question. The error
// wraps ErrUnavailable.
func (a *URL) ask(r *http.Request, to, user, password string, pairs []hooks.Pair) (answer http.Header, heard bool, err error) {
	var sent atomic.Bool
	turn, cancel := context.WithTimeout(r.Context(), a.client.Timeout)
	defer cancel()
	select {
	case a.questions <- struct{}{}:
		defer func() { <-a.questions }()
	case <-turn.Done():
		return nil, false, errCrowd
	}
	// The endpoint counts a listener that has left meanwhile, so its answer is needed
	// nevertheless.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), a.client.Timeout)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(hooks.Form(pairs...)))
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a.sign(req, user, password)
	resp, err := a.client.Do(req)
	if err != nil {
		if u := new(url.Error); errors.As(err, &u) {
			err = u.Err
		}
		return nil, sent.Load(), fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode >= http.StatusInternalServerError {
		return resp.Header, true, fmt.Errorf("%w: the endpoint answered %d", ErrUnavailable, resp.StatusCode)
	}
	return resp.Header, true, nil
}

// passedOn returns the headers of a listener's request that are passed on. Of several with one
// name the last is, as in Icecast.
func (a *URL) passedOn(r *http.Request) (pairs []hooks.Pair, err error) {
	for _, name := range a.Headers {
		v := ""
		if all := r.Header.Values(name); len(all) > 0 {
			v = all[len(all)-1]
		}
		if strings.EqualFold(name, "Host") { // Go has it apart
			v = r.Host
		}
		if len(v) > maxHeader {
			return nil, fmt.Errorf("%w: header %s too long; expected at most %d bytes", ErrDenied, name, maxHeader)
		}
		if v != "" {
			pairs = append(pairs, hooks.Pair{Key: a.HeaderPrefix + name, Value: v})
		}
	}
	return pairs, nil
}

// allows reports whether an answer admits.
func (a *URL) allows(answer http.Header) bool {
	for _, v := range answer.Values(a.yes) {
		if a.yesValue == "" || strings.EqualFold(strings.TrimSpace(v), a.yesValue) {
			return true
		}
	}
	return false
}

// denied is ErrDenied with the reason that the endpoint gave.
func (a *URL) denied(answer http.Header) error {
	if m := answer.Get("icecast-auth-message"); m != "" {
		return fmt.Errorf("%w: %s", ErrDenied, response.Printable(m))
	}
	return ErrDenied
}

// timeLimit returns the longest time for a listener, 0 for no limit. ok is false if the listener
// is not admitted at all, as in Icecast: the limit is 0, or no number. Fractions of seconds are
// cut, and a negative limit is none.
func (a *URL) timeLimit(answer http.Header) (limit time.Duration, ok bool) {
	v := strings.TrimSpace(answer.Get(a.most))
	if v == "" {
		return 0, true
	}
	whole, _, _ := strings.Cut(v, ".")
	n, err := strconv.ParseInt(whole, 10, 32)
	if err != nil {
		a.about.Logger().Warn("invalid time limit of an auth endpoint; the listener is not admitted",
			zap.String("limit", icy.Cut(icy.Clean(v), 64)))
		return 0, false
	}
	return max(0, time.Duration(n)*time.Second), n != 0
}
