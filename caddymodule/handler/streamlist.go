package handler

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/icy"
	"github.com/caddycast/caddycast/streaming/relay"
)

const (
	// listPath is the path of the list for slaves.
	listPath = relay.ListPath

	// streamsPath is the path of the list, and of the mounts, for slaves of Icecast-KH.
	streamsPath = mountpath.AdminPrefix + "streams"

	// maxListWait bounds how long a slave may wait for a change of the list.
	maxListWait = 30 * time.Second
)

// serveStreamList answers with the mounts that a slave may pull: as a text, or as events that
// follow its changes. A report in the request registers the slave. With Prefer: wait (RFC 7240)
// the answer waits for a change of the list; with return=minimal it has none.
func (h *Handler) serveStreamList(w http.ResponseWriter, r *request.Facts) error {
	st := h.station
	by, err := st.Gate.AuthorizeSlave(r)
	if err != nil {
		return err
	}
	node := r.Header.Get(relay.PathHeader)
	if node == st.Relayer().ID {
		return response.Refuse(http.StatusLoopDetected, "This station is its own master; point master at another one")
	}
	registration, err := h.register(r, by)
	if err != nil {
		return err
	}
	if node != "" {
		w.Header().Set(relay.PathHeader, st.Relayer().ID)
	}
	w.Header().Set("Accept-Post", "application/json")
	switch {
	case r.Method == http.MethodPost && prefers(r.Request, "return", "minimal"):
		w.Header().Set("Preference-Applied", "return=minimal")
		w.WriteHeader(http.StatusNoContent)
		return nil
	case r.Method == http.MethodGet && node != "" && readsMarks(r) && acceptsEvents(r.Request):
		return h.serveListEvents(w, r, by)
	}
	list, tag := st.StreamListFor(node, readsMarks(r))
	if wait := waitPreferred(r.Request); wait > 0 {
		w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait/time.Second)))
		list, tag = h.awaitList(r, by, list, tag, wait)
	}
	switch {
	case r.Context().Err() != nil:
		st.Slaves().Disconnected(registration)
		return nil // the client is gone: that is no error
	case st.IsClosing():
		return errStream(streaming.ErrClosed)
	}
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return response.Answer(w, r.Request, http.StatusOK, "text/plain; charset=utf-8", list)
}

// awaitList waits until the list differs from the slave's, for a bounded time.
func (h *Handler) awaitList(r *request.Facts, by *relay.Credential, list, tag string, wait time.Duration) (string, string) {
	node, known := r.Header.Get(relay.PathHeader), r.Header.Get("If-None-Match")
	follower, ok := h.station.FollowStreams(by, node, "")
	if !ok {
		return list, tag
	}
	defer follower.Close()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for known == tag {
		updated := follower.Updated()
		if list, tag = h.station.StreamListFor(node, readsMarks(r)); known != tag {
			break
		}
		select {
		case <-updated:
		case <-timer.C:
			return list, tag
		case <-h.station.Closing():
			return list, tag
		case <-h.retired:
			return list, tag
		case <-r.Context().Done():
			return list, tag
		}
	}
	return list, tag
}

// readsMarks reports whether a slave reads the marks of protected mounts.
func readsMarks(r *request.Facts) bool { return r.Header.Get(relay.ProtectedHeader) != "" }

// serveStreams answers slaves of Icecast-KH: with the list, or with a mount.
func (h *Handler) serveStreams(w http.ResponseWriter, r *request.Facts) error {
	by, err := h.station.Gate.AuthorizeSlave(r)
	if err != nil {
		return err
	}
	if mount := r.URL.Query().Get("mount"); mount != "" {
		if err := mountpath.Check(mount); err != nil {
			return response.Refuse(http.StatusBadRequest, "mount: "+err.Error())
		}
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = mount, "", ""
		err := h.serveListener(w, r, mount)
		if errors.Is(err, errNotServed) {
			return errNoSource(mount)
		}
		return err
	}
	if _, err := h.register(r, by); err != nil {
		return err
	}
	list := h.station.StreamList().WithPrefix(streamsPath + "?mount=")
	return response.Answer(w, r.Request, http.StatusOK, "text/plain; charset=utf-8", list)
}

// register records the report of a slave that has logged in with a credential, from the body or,
// for Icecast-KH, from the query. Without a report it returns no registration.
func (h *Handler) register(r *request.Facts, by *relay.Credential) (registration relay.Registration, err error) {
	var report relay.Report
	switch q := r.URL.Query(); {
	case r.Method == http.MethodPost:
		report, err = relay.ReadReport(r.Body)
	case q.Has("rserver") || q.Has("rport"):
		report, err = reportOfKH(q)
	default:
		return registration, nil
	}
	if by == nil {
		return registration, response.Refuse(http.StatusForbidden, "slave: the administrator's credentials; expected those of relay_password or of a slave")
	}
	if err != nil {
		h.station.Slaves().Invalid(by, r.ClientIP, err)
		return registration, response.Refuse(http.StatusBadRequest, "Invalid report: "+err.Error())
	}
	registration, err = h.station.Slaves().Register(by, report, r.ClientIP)
	return registration, errReport(err)
}

// errReport turns the error of a report into a refusal.
func errReport(err error) error {
	if err == nil {
		return nil
	}
	status, text := http.StatusConflict, "Invalid report: "+err.Error()
	if rejected, ok := errors.AsType[*relay.RejectedError](err); ok {
		status, text = http.StatusForbidden, err.Error()
		if rejected.Temporary {
			status = http.StatusTooManyRequests
		}
	}
	return response.Refuse(status, text).Because(err)
}

// reportOfKH reads the report of an Icecast-KH slave: its host, port and interval. Such a
// slave carries all mounts.
func reportOfKH(q url.Values) (relay.Report, error) {
	host, port := q.Get("rserver"), q.Get("rport")
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return relay.Report{}, errors.New("rport: invalid port; expected 1 to 65535")
	}
	at := host + ":" + port
	if host == "" || setting.CheckHostname(at) != nil {
		return relay.Report{}, errors.New("rserver: invalid host; expected a host name")
	}
	seconds, err := strconv.Atoi(q.Get("interval"))
	if err != nil || seconds < 5 || seconds > 3600 {
		return relay.Report{}, errors.New("interval: invalid; expected 5 to 3600 seconds")
	}
	return relay.Report{ID: "kh:" + at, Public: []string{"http://" + at}, Interval: seconds}, nil
}

// checkRelayLoop refuses a relay that would receive its own stream. Other relays get the path
// of the stream in a header field.
func (h *Handler) checkRelayLoop(w http.ResponseWriter, r *request.Facts, heard string) error {
	field := r.Header.Get(relay.PathHeader)
	if field == "" {
		return nil
	}
	path, err := h.station.Relayer().CheckLoop(heard, field)
	if err != nil {
		return response.Refuse(http.StatusLoopDetected, fmt.Sprintf("Loop detected: %v", err)).
			Logged(zapcore.WarnLevel, "relay rejected: loop detected",
				zap.String("mount", response.Printable(r.URL.Path)), zap.String("relay_path", icy.Clean(field)))
	}
	w.Header().Set(relay.PathHeader, path)
	return nil
}
