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

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming/icy"
	"go.uber.org/zap"
)

// errCrowd says that a question was not asked, since so many others are. That is no
// failure of the endpoint.
var errCrowd = fmt.Errorf("%w: too many are asked about at once", ErrUnavailable)

// ask posts a question, as that user if we have no name of our own, and returns the head of the answer, and whether the
// endpoint may have heard the question. The error is ErrUnavailable.
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
	// Who leaves meanwhile is not forgotten by the endpoint, so the answer is
	// waited for.
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
		return resp.Header, true, fmt.Errorf("%w: the endpoint answers %d", ErrUnavailable, resp.StatusCode)
	}
	return resp.Header, true, nil
}

// passedOn returns the fields of a listener's request that the endpoint is told. Of several of
// a name it is the last, as in Icecast.
func (a *URL) passedOn(r *http.Request) (pairs []hooks.Pair, err error) {
	for _, name := range a.Headers {
		v := ""
		if all := r.Header.Values(name); len(all) > 0 {
			v = all[len(all)-1]
		}
		if strings.EqualFold(name, "Host") { // which Go keeps elsewhere
			v = r.Host
		}
		if len(v) > maxHeader {
			return nil, fmt.Errorf("%w: the field %s is longer than %d bytes", ErrDenied, name, maxHeader)
		}
		if v != "" {
			pairs = append(pairs, hooks.Pair{Key: a.HeaderPrefix + name, Value: v})
		}
	}
	return pairs, nil
}

// allows tells whether an answer says yes.
func (a *URL) allows(answer http.Header) bool {
	for _, v := range answer.Values(a.yes) {
		if a.yesValue == "" || strings.EqualFold(strings.TrimSpace(v), a.yesValue) {
			return true
		}
	}
	return false
}

// denied is the reason why somebody is not admitted, as the endpoint says it.
func (a *URL) denied(answer http.Header) error {
	if m := answer.Get("icecast-auth-message"); m != "" {
		return fmt.Errorf("%w: %s", ErrDenied, response.Printable(m))
	}
	return ErrDenied
}

// timeLimit is how long somebody may listen, 0 for no limit. It reports false if that is
// not at all, as Icecast has it: a limit of 0, or one that can't be read. Fractions of
// seconds are cut, and less than 0 is no limit.
func (a *URL) timeLimit(answer http.Header) (limit time.Duration, ok bool) {
	v := strings.TrimSpace(answer.Get(a.most))
	if v == "" {
		return 0, true
	}
	whole, _, _ := strings.Cut(v, ".")
	n, err := strconv.ParseInt(whole, 10, 32)
	if err != nil {
		a.about.Logger().Warn("the endpoint's time limit is no number of seconds, so nobody is let in",
			zap.String("limit", icy.Cut(icy.Clean(v), 64)))
		return 0, false
	}
	return max(0, time.Duration(n)*time.Second), n != 0
}
