package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Upstream is where a mount is pulled from.
type Upstream struct {
	// URL is http or https, without user and password.
	URL string

	// User and Password are sent to that host, and to no other. Empty: none.
	User, Password string

	// TLS is how an https server is verified; nil: by the system's authorities.
	TLS *TLS

	node string // its id, if its list told it
}

// TLS is how servers are verified, and what is shown to them.
type TLS struct {
	// Key is the same for settings that are the same.
	Key    string
	Config *tls.Config
}

func (t *TLS) key() string {
	if t == nil {
		return ""
	}
	return t.Key
}

// label returns the URL as logs may have it: a query may be a ticket.
func (u Upstream) label() string {
	before, _, _ := strings.Cut(u.URL, "?")
	return before
}

// same tells whether two upstreams are the same place with the same rights.
func (u Upstream) same(o Upstream) bool {
	return u.URL == o.URL && u.User == o.User && u.Password == o.Password && u.TLS.key() == o.TLS.key()
}

const (
	// DefaultTimeout is how long an upstream has to answer.
	DefaultTimeout = 10 * time.Second

	maxRedirects = 10
	maxHead      = 32 << 10 // bytes of an answer's head
	keepAlive    = 15 * time.Second
)

// request is what is asked of an upstream.
type request struct {
	method string
	body   []byte // of a POST
	header http.Header
	agent  string
	within time.Duration // of each answer's head
}

// answer is what an upstream sends, redirects followed.
type answer struct {
	*http.Response
	conn net.Conn // below TLS
}

// do asks an upstream. The body of the answer must be closed.
func (u Upstream) do(ctx context.Context, q request) (*answer, error) {
	at, err := url.Parse(u.URL)
	if err != nil {
		return nil, err
	}
	home := *at
	for range maxRedirects + 1 {
		a, err := u.ask(ctx, q, at, &home)
		if err != nil {
			return nil, err
		}
		switch a.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
			http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return a, nil
		}
		_ = a.Body.Close()
		next, err := at.Parse(a.Header.Get("Location"))
		if err != nil || next.Host == "" || next.Scheme != "http" && next.Scheme != "https" {
			return nil, fmt.Errorf("%s redirects to %.100q, which is no http or https URL", at, a.Header.Get("Location"))
		}
		next.User, next.Fragment = nil, "" // what it tells us to know is not ours
		at = next
	}
	return nil, fmt.Errorf("%s redirects more than %d times", u.URL, maxRedirects)
}

// ask sends one request, to home or to where it has redirected us.
func (u Upstream) ask(ctx context.Context, q request, at, home *url.URL) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, at.String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, q.header)
	r.Header.Set("User-Agent", q.agent)
	r.Close = true
	if u.User != "" || u.Password != "" {
		if trusts(home, at) {
			r.SetBasicAuth(u.User, u.Password)
		}
	}
	a := new(answer)
	if a.Response, err = u.transport(q.within, &a.conn).RoundTrip(r); err != nil { //nolint:bodyclose // do's caller closes it
		return nil, err
	}
	return a, nil
}

// trusts tells whether what home may know may be told to a place that it
// redirects to: another port of the same host may be its HTTPS, but what was
// secret on the way there must stay so.
func trusts(home, at *url.URL) bool {
	return strings.EqualFold(home.Hostname(), at.Hostname()) && (home.Scheme == "http" || at.Scheme == "https")
}

// transport makes one connection, which it puts into conn, for one request. It
// takes the answers of SHOUTcast for HTTP.
func (u Upstream) transport(within time.Duration, conn *net.Conn) *http.Transport {
	dialer := &net.Dialer{Timeout: within, KeepAlive: keepAlive}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, addr)
		*conn = c
		return c, err
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &icyConn{Conn: c}, nil
		},
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			t := tls.Client(c, u.tlsConfig(addr))
			ctx, cancel := context.WithTimeout(ctx, within)
			defer cancel()
			if err := t.HandshakeContext(ctx); err != nil {
				_ = c.Close()
				return nil, err
			}
			return &icyConn{Conn: t}, nil
		},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		ResponseHeaderTimeout:  within,
		MaxResponseHeaderBytes: maxHead,
	}
}

// tlsConfig returns how to verify the server at an address.
func (u Upstream) tlsConfig(addr string) *tls.Config {
	config := new(tls.Config)
	if u.TLS != nil && u.TLS.Config != nil {
		config = u.TLS.Config.Clone()
	}
	if host, _, err := net.SplitHostPort(addr); err == nil && config.ServerName == "" {
		config.ServerName = host
	}
	config.NextProtos = []string{"http/1.1"}
	return config
}

// icyConn makes the status line of SHOUTcast, ICY 200 OK, one of HTTP.
type icyConn struct {
	net.Conn
	seen []byte // of the first bytes; nil once they have been looked at
	done bool
}

var (
	icyStart  = []byte("ICY ")
	httpStart = []byte("HTTP/1.0 ")
)

// Read reads what the peer sends, in the words of HTTP.
func (c *icyConn) Read(p []byte) (int, error) {
	for !c.done {
		var buf [4]byte
		n, err := c.Conn.Read(buf[:len(icyStart)-len(c.seen)])
		c.seen = append(c.seen, buf[:n]...)
		if len(c.seen) == len(icyStart) || err != nil || !slices.Equal(c.seen, icyStart[:len(c.seen)]) {
			c.done = true
			if slices.Equal(c.seen, icyStart) {
				c.seen = httpStart
			}
			if err != nil && len(c.seen) == 0 {
				return 0, err
			}
		}
	}
	if len(c.seen) > 0 {
		n := copy(p, c.seen)
		c.seen = c.seen[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// errNoStream says that what answered is a page, and no stream.
var errNoStream = errors.New("is no stream")

// checkStream refuses an answer that is no stream.
func (a *answer) checkStream(from string) error {
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", from, a.Status)
	}
	switch t, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type")); t {
	case "text/html", "text/plain", "text/xml", "application/xml", "application/json",
		"audio/x-mpegurl", "audio/mpegurl", "application/xspf+xml", "audio/x-scpls":
		return fmt.Errorf("what %s sends is %s: that %w; write the URL of the stream itself", from, t, errNoStream)
	}
	return nil
}
