package handler

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/relay"
)

// maxQuestion bounds the body of a question of a slave, and of its report of ends, in bytes.
const maxQuestion = 256 << 10

// reportTime is how long a slave whose listener has been admitted may take to report.
const reportTime = time.Minute

// serveQuestion answers a slave that asks about a listener of a protected mount. The answer is
// that which the listener would get here.
func (h *Handler) serveQuestion(w http.ResponseWriter, r *request.Facts) error {
	var q relay.Question
	by, err := h.readSlave(w, r, &q)
	if err != nil {
		return err
	}
	if err := mountpath.Check(q.Mount); err != nil {
		return response.Refuse(http.StatusBadRequest, "mount: "+err.Error())
	}
	listener, err := asked(r, q)
	if err != nil {
		return response.Refuse(http.StatusBadRequest, "request: "+err.Error()+"; expected the head of an HTTP request")
	}
	answer, err := h.decide(listener, q, by)
	if err != nil {
		h.station.Refused(listener, refusalOf(err))
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return response.Answer(w, r.Request, http.StatusOK, "application/json", string(text))
}

// asked returns the facts of the listener's request in a question.
func asked(r *request.Facts, q relay.Question) (*request.Facts, error) {
	listener, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(q.Request)))
	if err != nil {
		return nil, errors.New("not readable")
	}
	listener.Method, listener.URL.Path, listener.URL.RawPath = http.MethodGet, q.Mount, ""
	listener.RequestURI = listener.URL.RequestURI()
	listener.Header.Del(relay.PathHeader) // it is a listener
	listener.RemoteAddr = r.RemoteAddr
	addr, _ := netip.ParseAddr(q.IP) // none, as on a Unix socket
	scheme := "http"
	if q.Scheme == "https" {
		scheme = "https"
	}
	return &request.Facts{
		Request: listener.WithContext(r.Context()), ClientIP: request.AddressText(addr), Addr: addr, Scheme: scheme, AskedHost: listener.Host,
	}, nil
}

// decide applies the access control of a mount to a listener of a slave. The error is the
// refusal that the answer holds.
func (h *Handler) decide(r *request.Facts, asked relay.Question, by *relay.Credential) (relay.Answer, error) {
	q := h.newListenerRequest(r, asked.Mount)
	err := cmp.Or(h.station.Access.CheckListener(q.Addr, q.UserAgent()), h.checkBan(q))
	if err == nil && q.policy.Engine.RequireTLS && !q.IsEncrypted() {
		err = response.Refuse(http.StatusForbidden, "HTTPS is required for this mount")
	}
	if err == nil {
		err = h.authorize(q)
	}
	if err != nil {
		refusal := refusalOf(err)
		return relay.Answer{Status: refusal.Status, Reason: refusal.Reason}, err
	}
	answer := relay.Answer{Status: http.StatusOK, User: q.client.User}
	a := q.client.Admission
	if a == nil {
		return answer, nil
	}
	answer.Seconds = int64(a.TimeLimit.Seconds())
	if a.OnEnd == nil {
		return answer, nil
	}
	node := by.Node(asked.Node)
	session, ok := h.station.RemoteListeners().Begin(node, a.OnEnd)
	if !ok {
		a.OnEnd(0)
		err := response.Refuse(http.StatusServiceUnavailable, "Too many listeners at slaves")
		return relay.Answer{Status: err.Status, Reason: err.Reason}, err
	}
	answer.Session = session
	if !h.station.Slaves().Has(by, asked.Node) { // it has yet to report, or has left
		time.AfterFunc(reportTime, func() {
			if !h.station.Slaves().Has(by, asked.Node) {
				h.station.RemoteListeners().EndNode(node)
			}
		})
	}
	return answer, nil
}

// refusalOf returns the refusal in an error.
func refusalOf(err error) *response.Refusal {
	if refusal, ok := errors.AsType[*response.Refusal](err); ok {
		return refusal
	}
	return response.Refuse(http.StatusServiceUnavailable, auth.ErrUnavailable.Error()).Because(err)
}

// serveEnded takes a slave's report of the ends of admitted listeners.
func (h *Handler) serveEnded(w http.ResponseWriter, r *request.Facts) error {
	var report relay.EndReport
	by, err := h.readSlave(w, r, &report)
	if err != nil {
		return err
	}
	for _, e := range report.Ends {
		heard := min(max(0, e.Heard), (365 * 24 * time.Hour).Seconds())
		h.station.RemoteListeners().End(by.Node(report.Node), e.Session, time.Duration(heard*float64(time.Second)))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readSlave reads the JSON that a slave has posted, and returns its credential.
func (h *Handler) readSlave(w http.ResponseWriter, r *request.Facts, to any) (*relay.Credential, error) {
	by, err := h.station.Gate.AuthorizeSlave(r)
	switch {
	case err != nil:
		return nil, err
	case by == nil: // an administrator
		return nil, response.Challenge()
	}
	return by, readJSON(w, r, to)
}

func readJSON(w http.ResponseWriter, r *request.Facts, to any) error {
	if r.Method != http.MethodPost {
		return response.Refuse(http.StatusMethodNotAllowed, "This takes POST").With("Allow", "POST")
	}
	body := http.MaxBytesReader(w, r.Body, maxQuestion)
	if err := json.NewDecoder(body).Decode(to); err != nil {
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong || errors.Is(err, io.EOF) {
			return response.Refuse(http.StatusRequestEntityTooLarge, "body: too long or empty; expected JSON of at most 256 KiB")
		}
		return response.Refuse(http.StatusBadRequest, "body: invalid JSON; expected that of a slave")
	}
	return nil
}
