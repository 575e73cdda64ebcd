package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	maxAnswer = 16 << 10 // bytes
	maxReason = 512      // bytes of a master's reason
)

// masterClient sends questions and reports to one master, over connections that are kept: with
// many slaves, a handshake for each report would cost a master more than the reports. Any
// goroutine may call its methods.
type masterClient struct {
	master    Upstream
	transport *http.Transport
}

func newMasterClient(master Upstream) *masterClient {
	const timeout = DefaultTimeout
	dialer := &net.Dialer{Timeout: timeout, KeepAlive: keepAlive}
	t := &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: timeout, ResponseHeaderTimeout: timeout,
		MaxResponseHeaderBytes: maxHead, MaxConnsPerHost: 64, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute,
		DisableCompression: true,
	}
	if master.TLS != nil {
		t.TLSClientConfig = master.TLS.Config.Clone()
	}
	return &masterClient{master, t}
}

// close closes the connections without a request. A later request opens another one.
func (c *masterClient) close() { c.transport.CloseIdleConnections() }

// do posts JSON to a path, and calls take with the answer within the same time limit.
func (c *masterClient) do(ctx context.Context, timeout time.Duration, path string, q request, take func(*answer) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	u := c.master
	u.URL = strings.TrimSuffix(u.URL, "/") + path
	if q.header == nil {
		q.header = make(http.Header)
	}
	q.header.Set("Content-Type", "application/json")
	q.method, q.kept = http.MethodPost, c.transport
	a, err := u.do(ctx, q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	defer a.drain()
	return take(a)
}

// drain reads the rest of an answer, so that its connection is used again.
func (a *answer) drain() { _, _ = io.CopyN(io.Discard, a.Body, maxAnswer) }

// reason returns what an answer says, for a message; empty: nothing, or a page of HTML.
func (a *answer) reason() string {
	if t, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type")); t != "text/plain" {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(a.Body, maxReason))
	return strings.TrimSpace(string(text))
}

// post posts JSON to a path, and decodes the answer unless that is nil.
func (c *masterClient) post(ctx context.Context, agent, path string, body, decoded any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, DefaultTimeout, path, request{body: text, agent: agent}, func(a *answer) error {
		if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusNoContent {
			return fmt.Errorf("%s%s: answer %s: %.200q; expected 200", c.master.label(), path, a.Status, a.reason())
		}
		if decoded == nil {
			return nil
		}
		if err := json.NewDecoder(io.LimitReader(a.Body, maxAnswer)).Decode(decoded); err != nil {
			return fmt.Errorf("%s%s: invalid answer: %w", c.master.label(), path, err)
		}
		return nil
	})
}
