package relay

import (
	"context"
	"errors"
)

const (
	// QuestionPath is the path at a master where slaves ask about listeners.
	QuestionPath = "/admin/slave/listener"

	// EndedPath is the path at a master where slaves report the ends of admitted listeners.
	EndedPath = "/admin/slave/ended"
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

// Ask sends a question to the masters that protect its mount, in their order, until one
// answers. The error wraps ErrNoMaster.
func (m *Manager) Ask(ctx context.Context, q Question) (Answer, error) {
	q.Node = m.ID
	err := error(nil)
	for _, c := range m.guards.Load().of(q.Mount) {
		var answer Answer
		if failed := c.post(ctx, m.agent, QuestionPath, q, &answer); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		answer.Master = c.master.URL
		return answer, nil
	}
	return Answer{}, errors.Join(ErrNoMaster, err)
}
