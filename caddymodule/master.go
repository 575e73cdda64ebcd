package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/icy"
	"github.com/caddycast/caddycast/streaming/relay"
	"go.uber.org/zap"
)

// streamsPath is where slaves of Icecast-KH look for the list, and pull the mounts.
const streamsPath = mountpath.AdminPrefix + "streams"

// longestWait is how long a slave may wait for news.
const longestWait = 30 * time.Second

// serveStreamList answers which mounts a slave may pull. One that reports is known as
// a slave from then on. It may wait for another list than it has: Prefer, of RFC 7240,
// says how long.
func (h *Handler) serveStreamList(w http.ResponseWriter, r *http.Request) error {
	if ok, err := admit(w, r, h.station.logins.relay, h.station.logins.admin); !ok {
		return err
	}
	live := h.station.live
	if r.Header.Get(relay.PathHeader) == live.relays.ID {
		return response.Refuse(w, r, http.StatusLoopDetected, "This station is its own master; point master at another one")
	}
	id, number, err := h.register(r)
	if err != nil {
		return response.Refuse(w, r, http.StatusBadRequest, "The report can't be read: "+err.Error())
	}
	node := r.Header.Get(relay.PathHeader)
	if node != "" {
		w.Header().Set(relay.PathHeader, live.relays.ID)
	}
	list, tag := h.streamList("", node)
	w.Header().Set("Accept-Post", "application/json")
	if wait := waitPreferred(r); wait > 0 {
		w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait/time.Second)))
		list, tag = h.awaitList(r, list, tag, wait)
	}
	switch {
	case r.Context().Err() != nil:
		live.slaves.Disconnected(id, number)
		return r.Context().Err()
	case live.isClosing():
		return refuseStream(w, r, streaming.ErrClosed)
	}
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return response.Answer(w, r, http.StatusOK, "text/plain; charset=utf-8", list)
}

// awaitList waits until the list is not the one that the slave has, but not for ever.
func (h *Handler) awaitList(r *http.Request, list, tag string, wait time.Duration) (string, string) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for r.Header.Get("If-None-Match") == tag {
		changed := h.station.live.Changed()
		if list, tag = h.streamList("", r.Header.Get(relay.PathHeader)); r.Header.Get("If-None-Match") != tag {
			break
		}
		select {
		case <-changed:
		case <-timer.C:
			return list, tag
		case <-h.station.live.closing:
			return list, tag
		case <-h.retired:
			return list, tag
		case <-r.Context().Done():
			return list, tag
		}
	}
	return list, tag
}

// serveStreams answers slaves of Icecast-KH: with the list, or with a mount.
func (h *Handler) serveStreams(w http.ResponseWriter, r *http.Request) error {
	if ok, err := admit(w, r, h.station.logins.relay, h.station.logins.admin); !ok {
		return err
	}
	if mount := r.URL.Query().Get("mount"); mount != "" {
		if err := mountpath.Check(mount); err != nil {
			return response.Refuse(w, r, http.StatusBadRequest, "mount: "+err.Error())
		}
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = mount, "", ""
		if ok, err := h.serveListener(w, r); ok {
			return err
		}
		return response.Refuse(w, r, http.StatusNotFound, "The file you requested could not be found: no source is on "+response.Printable(mount))
	}
	if _, _, err := h.register(r); err != nil {
		return response.Refuse(w, r, http.StatusBadRequest, "The report can't be read: "+err.Error())
	}
	list, _ := h.streamList(streamsPath+"?mount=", "")
	return response.Answer(w, r, http.StatusOK, "text/plain; charset=utf-8", list)
}

// streamList returns the mounts that slaves may pull, a line each, and a tag that
// names this state of the list. node is the id of the slave that asks, if it says so.
func (h *Handler) streamList(prefix, node string) (list, tag string) {
	var b strings.Builder
	for _, p := range h.station.offered() {
		if !setting.Is(h.station.mount(p).HiddenFromSlaves, true) && !h.station.live.relays.PulledOnlyFrom(p, node) {
			b.WriteString(prefix + mountpath.Escape(p) + "\r\n")
		}
	}
	sum := sha256.Sum256([]byte(b.String()))
	return b.String(), `"` + hex.EncodeToString(sum[:8]) + `"`
}

// register notes what a slave reports of itself, in a body or, as Icecast-KH does, in
// the query. It returns the slave's id, empty if there is no report, and the report's
// number.
func (h *Handler) register(r *http.Request) (id string, number uint64, err error) {
	var report relay.Report
	switch q := r.URL.Query(); {
	case r.Method == http.MethodPost:
		report, err = relay.ReadReport(r.Body)
	case q.Has("rserver") || q.Has("rport"):
		report, err = reportOfKH(q)
	default:
		return "", 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	return report.ID, h.station.live.slaves.Register(report, response.ClientIP(r)), nil
}

// reportOfKH reads what slaves of Icecast-KH say: their host, port and how often they
// ask. They have all mounts.
func reportOfKH(q url.Values) (relay.Report, error) {
	host, port := q.Get("rserver"), q.Get("rport")
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return relay.Report{}, errors.New("rport: write a port")
	}
	at := host + ":" + port
	if host == "" || setting.CheckHostname(at) != nil {
		return relay.Report{}, errors.New("rserver: write a host name")
	}
	seconds, err := strconv.Atoi(q.Get("interval"))
	if err != nil || seconds < 5 || seconds > 3600 {
		return relay.Report{}, errors.New("interval: write seconds, from 5 to 3600")
	}
	return relay.Report{ID: "kh:" + at, Public: []string{"http://" + at}, Interval: seconds}, nil
}

var waitShape = regexp.MustCompile(`(?i)(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])`)

// waitPreferred returns how long the client would wait, as far as we let it.
func waitPreferred(r *http.Request) time.Duration {
	m := waitShape.FindStringSubmatch(strings.Join(r.Header.Values("Prefer"), ","))
	if m == nil {
		return 0
	}
	seconds, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, longestWait)
}

// isSlave tells whether who asks knows the relay password: that is a slave, which no
// limit is for and which is sent nowhere.
func (h *Handler) isSlave(r *http.Request) bool {
	l := h.station.logins.relay
	user, _, ok := r.BasicAuth()
	if !ok || l == nil || l.isUser(user) != 1 {
		return false
	}
	ok, err := anyAllows(r, l)
	return ok && err == nil
}

// enter answers a relay whose stream would come back to where it began, and reports
// whether the request may go on. Relays that may are told the way of the stream.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request, heard string) (bool, error) {
	field := r.Header.Get(relay.PathHeader)
	if field == "" {
		return true, nil
	}
	path, err := h.station.live.relays.CheckLoop(heard, field)
	if err != nil {
		h.station.live.logger().Warn("a relay was refused: it would hear itself",
			zap.String("mount", response.Printable(r.URL.Path)), zap.String("client_ip", response.ClientIP(r)),
			zap.String("relay_path", icy.Clean(field)))
		return false, response.Refuse(w, r, http.StatusLoopDetected, fmt.Sprintf("Loop detected: %v", err))
	}
	w.Header().Set(relay.PathHeader, path)
	return true, nil
}
