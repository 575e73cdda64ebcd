package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// QuestionPath is the path at a master where slaves ask about listeners.
	QuestionPath = "/admin/slave/listener"

	// EndedPath is the path at a master where slaves report the ends of admitted listeners.
	EndedPath = "/admin/slave/ended"

	maxAnswer = 16 << 10 // bytes
)

// ErrNoMaster is returned for a question that no master has answered.
var ErrNoMaster = errors.New("no master answers")

// Question is a slave's question about a listener of a mount that its master protects. A
// master answers it by its own access control.
type Question struct {
	Node    string `json:"node"`    // the slave's id
	Mount   string `json:"mount"`   // path
	IP      string `json:"ip"`      // of the listener
	Scheme  string `json:"scheme"`  // http or https, as the listener sees it
	Request []byte `json:"request"` // the head of the listener's request, with its credentials, as HTTP/1.1
}

// Answer is a master's answer to a Question.
type Answer struct {
	Status  int    `json:"status"`            // 200: the listener is admitted; else the status of the refusal
	Reason  string `json:"reason,omitempty"`  // of a refusal, for the listener
	User    string `json:"user,omitempty"`    // as the master names it
	Seconds int64  `json:"seconds,omitempty"` // how long it may listen; 0: no limit
	Session string `json:"session,omitempty"` // to be named when the listener ends; empty: no need

	Master string `json:"-"` // URL
}

// EndReport is the report of a slave on the ends of some listeners.
type EndReport struct {
	Node string `json:"node"` // the slave's id
	Ends []End  `json:"ends"`
}

// End is the end of a listener that a master has admitted.
type End struct {
	Session string  `json:"session"`
	Heard   float64 `json:"heard"` // seconds
}

// asker sends questions to one master, over connections that are kept.
type asker struct {
	master Upstream
	client *http.Client
}

func newAsker(master Upstream) *asker {
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
	return &asker{master, &http.Client{
		Transport: t, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a question has credentials
	}}
}

func (a *asker) close() { a.client.CloseIdleConnections() }

// post posts JSON to a path, and decodes the answer unless that is nil.
func (a *asker) post(ctx context.Context, agent, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(a.master.URL, "/")+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", agent)
	r.SetBasicAuth(a.master.User, a.master.Password)
	resp, err := a.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	in := io.LimitReader(resp.Body, maxAnswer)
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNoContent {
		reason, _ := io.ReadAll(io.LimitReader(in, 200))
		return fmt.Errorf("%s%s: answer %s: %.200q; expected 200", a.master.label(), path, resp.Status, reason)
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(in).Decode(answer); err != nil {
		return fmt.Errorf("%s%s: invalid answer: %w", a.master.label(), path, err)
	}
	return nil
}

// Ask sends a question to the masters that protect its mount, in their order, until one
// answers. The error wraps ErrNoMaster.
func (m *Manager) Ask(ctx context.Context, q Question) (Answer, error) {
	q.Node = m.ID
	err := error(nil)
	for _, a := range m.guards.Load().of(q.Mount) {
		var answer Answer
		if failed := a.post(ctx, m.agent, QuestionPath, q, &answer); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		answer.Master = a.master.URL
		return answer, nil
	}
	return Answer{}, errors.Join(ErrNoMaster, err)
}
