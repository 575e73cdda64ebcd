package auth

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// Master is the Module of a slave for the mounts that its masters protect: a master decides on
// each listener, by its own access control. It is no module of a Caddyfile; a Gate has it.
type Master struct {
	// Guards reports whether the masters protect a mount.
	Guards func(mount string) bool

	// Ask asks a master about a listener.
	Ask func(context.Context, relay.Question) (relay.Answer, error)

	// Ended reports the end of a listener to the master that admitted it. It must not block.
	Ended func(master string, end relay.End)
}

// maxQuestion bounds the head of a listener's request that is passed on, in bytes.
const maxQuestion = 32 << 10

// maxSeconds bounds the time limit of a master: a year.
const maxSeconds = 365 * 24 * 60 * 60

// Bind implements Module.
func (*Master) Bind(Station) []hook.Bound { return nil }

// AdmitSource implements Module: sources have source_password.
func (*Master) AdmitSource(*http.Request, Request) (bool, error) { return false, nil }

// AdmitListener implements Module.
func (m *Master) AdmitListener(r *http.Request, q Request) (*streaming.Admission, error) {
	head, err := headOf(r, q.Mount)
	if err != nil {
		return nil, err
	}
	f := request.New(r)
	answer, err := m.Ask(r.Context(), relay.Question{Mount: q.Mount, IP: f.ClientIP, Scheme: f.Scheme, Request: head})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if answer.Status != http.StatusOK {
		return nil, rejection(answer)
	}
	a := &streaming.Admission{User: answer.User, TimeLimit: time.Duration(max(0, min(answer.Seconds, maxSeconds))) * time.Second}
	if answer.Session != "" {
		a.OnEnd = func(heard time.Duration) {
			m.Ended(answer.Master, relay.End{Session: answer.Session, Heard: heard.Seconds()})
		}
	}
	return a, nil
}

// headOf returns the head of a listener's request as HTTP/1.1, with the path of a mount.
func headOf(r *http.Request, mount string) ([]byte, error) {
	head := &http.Request{Method: http.MethodGet, Host: r.Host, Header: r.Header.Clone(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	at := *r.URL
	at.Scheme, at.Host, at.User, at.Path, at.RawPath = "", "", nil, mount, ""
	head.URL = &at
	for _, name := range []string{"Connection", "Upgrade", "Te", "Trailer", "Transfer-Encoding", "Content-Length"} {
		head.Header.Del(name) // of the connection
	}
	head.Header.Set("User-Agent", r.UserAgent()) // else Write has one of its own
	if head.Host == "" {                         // HTTP/1.0
		head.Host = "localhost"
	}
	var b bytes.Buffer
	if err := head.Write(&b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDenied, err)
	}
	if b.Len() > maxQuestion {
		return nil, fmt.Errorf("%w: request of %d bytes; expected at most %d", ErrDenied, b.Len(), maxQuestion)
	}
	return b.Bytes(), nil
}

// rejection returns the error for a listener that a master does not admit.
func rejection(a relay.Answer) error {
	switch a.Status {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w by the master", ErrDenied)
	case http.StatusForbidden, http.StatusTooManyRequests:
		return response.Refuse(a.Status, strings.TrimSpace(response.Printable(a.Reason)))
	}
	return fmt.Errorf("%w: the master answers %d", ErrUnavailable, a.Status)
}
