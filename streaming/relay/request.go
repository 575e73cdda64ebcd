package relay

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// DefaultTimeout is how long an upstream has to answer.
	DefaultTimeout = 10 * time.Second

	maxRedirects = 10
)

// request is a request to an upstream.
type request struct {
	method  string
	body    []byte // of a POST
	header  http.Header
	agent   string
	timeout time.Duration // of each answer's head

	// kept sends the request over connections that are kept, and only to hosts that may get the
	// credentials. Nil: the request has a connection of its own.
	kept http.RoundTripper
}

// answer is an upstream's response, after redirects.
type answer struct {
	*http.Response
	conn net.Conn // beneath TLS; nil if it is kept
}

// do sends a request and follows redirects. The caller closes the answer's body.
//
// http.Client is not used: it reads the body of a redirect without a time limit, makes a GET
// of a POST, sends the whole URL as Referer, and sends credentials to subdomains and from
// https to http, none of which CheckRedirect prevents in a straightforward way.
func (u Upstream) do(ctx context.Context, q request) (*answer, error) {
	home, err := url.Parse(u.URL)
	if err != nil {
		return nil, err
	}
	at := home
	for range maxRedirects + 1 {
		a, err := u.send(ctx, q, at, home)
		if err != nil {
			return nil, err
		}
		switch a.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
			http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return a, nil
		}
		if q.kept != nil {
			a.drain()
		}
		_ = a.Body.Close()
		location := a.Header.Get("Location")
		next, err := at.Parse(location)
		if err != nil || next.Host == "" || next.Scheme != "http" && next.Scheme != "https" {
			return nil, fmt.Errorf("%s: invalid redirect to %.100q; expected an http or https URL", at, location)
		}
		next.User, next.Fragment = nil, "" // credentials in a Location are not used
		if q.kept != nil && !trusts(home, next) {
			return nil, fmt.Errorf("%s: redirect to %s://%s; expected one to the same host, and none from https to http", at, next.Scheme, next.Host)
		}
		at = next
	}
	return nil, fmt.Errorf("%s: more than %d redirects; expected a stream", u.URL, maxRedirects)
}

// send sends one request, to home or to a URL to which home has redirected.
func (u Upstream) send(ctx context.Context, q request, at, home *url.URL) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, at.String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, q.header)
	r.Header.Set("User-Agent", q.agent)
	r.Close = q.kept == nil
	switch {
	case !trusts(home, at):
	case u.Authorize != nil:
		r.Header.Set("Authorization", u.Authorize())
	case u.User != "" || u.Password != "":
		r.SetBasicAuth(u.User, u.Password)
	}
	a, via := new(answer), q.kept
	if via == nil {
		via = u.transport(q.timeout, &a.conn)
	}
	if a.Response, err = via.RoundTrip(r); err != nil { //nolint:bodyclose // do's caller closes it
		return nil, err
	}
	return a, nil
}

// checkStream returns an error if the answer of a URL is no stream.
func (a *answer) checkStream(from string) error {
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: answer %s; expected 200 and a stream", from, a.Status)
	}
	switch t, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type")); t {
	case "text/html", "text/plain", "text/xml", "application/xml", "application/json",
		"audio/x-mpegurl", "audio/mpegurl", "application/xspf+xml", "audio/x-scpls":
		return fmt.Errorf("%s: %s is no stream; expected the URL of the stream itself", from, t)
	}
	return nil
}
