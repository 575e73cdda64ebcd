package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/icy"
	"github.com/caddycast/caddycast/streaming/relay"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// awaitTime is how long a listener waits for a source that has connected but
// sent nothing yet.
const awaitTime = 10 * time.Second

// serveListener serves a listener of the mount that the request asks for. It
// reports false, having done nothing, if there is no such mount.
func (h *Handler) serveListener(w http.ResponseWriter, r *http.Request) (bool, error) {
	if !h.station.doors.admits(r) && (h.station.live.Mount(r.URL.Path) != nil || h.station.live.Offers(r.URL.Path)) {
		return true, denied(w, r)
	}
	if ok, err := h.enter(w, r, r.URL.Path); !ok {
		return true, err
	}
	client := clientOf(r)
	client.Slave = h.isSlave(r)
	client.Relay = r.Header.Get(relay.PathHeader) != ""
	taken := false
	defer func() {
		if a := client.Admission; !taken && a != nil && a.OnEnd != nil {
			a.OnEnd(0)
		}
	}()
	if h.isAskedFirst(r.URL.Path, client) {
		if r.Method == http.MethodHead || h.station.live.Mount(r.URL.Path) == nil && !h.station.live.Offers(r.URL.Path) {
			return false, nil
		}
		if ok, err := h.mayAsk(w, r, h.station.live.SettingsOf(r.URL.Path), client); !ok {
			return true, err
		}
		if ok, err := h.admitListener(w, r, &client); !ok {
			return true, err
		}
	}
	mount := h.await(r)
	if mount == nil {
		w.Header().Del(relay.PathHeader)
		return false, nil
	}
	if client.Relay {
		if ok, err := h.enter(w, r, mount.Heard()); !ok {
			return true, err
		}
	}
	if ok, err := h.mayAsk(w, r, *mount.Settings(), client); !ok {
		return true, err
	}
	if r.Method == http.MethodHead {
		return serveHead(w, r, mount, client)
	}
	if h.steers(r, mount, client, mount.IsFull()) && h.steer(w, r, mount) {
		return true, nil
	}
	if client.Admission == nil {
		if ok, err := h.admitListener(w, r, &client); !ok {
			return true, err
		}
	}
	l, err := mount.Admit(client)
	taken = err == nil
	switch {
	case errors.Is(err, streaming.ErrNothing):
		return false, nil
	case isFull(err) && h.steers(r, mount, client, true) && h.steer(w, r, mount): // others took the last places
		return true, nil
	case err != nil:
		return true, refuseStream(w, r, err)
	}
	fields := listenerFields(w.Header(), l.Stream(), l.Interval)
	if r.ProtoMajor == 1 {
		return true, listenHTTP1(w, r, l, fields)
	}
	return true, listenStream(w, r, l, fields)
}

// mayAsk answers a listener who may not ask for a mount of these settings at all, or not in
// clear, and reports whether he may. That is known before anybody is asked about him, and
// before he is asked for a password.
func (h *Handler) mayAsk(w http.ResponseWriter, r *http.Request, m streaming.MountSettings, client streaming.Client) (bool, error) {
	switch {
	case m.RequireTLS && response.Scheme(r) != "https":
		return false, h.secure(w, r)
	case m.NoDirect && !client.Slave:
		return false, refuseStream(w, r, streaming.ErrNoDirect)
	}
	return true, nil
}

// await returns the mount that a request is for once there is something to hear, nil if there
// is nothing; for a relay also if that is silence, which must not be passed on as a stream.
func (h *Handler) await(r *http.Request) *streaming.Mount {
	ctx, cancel := context.WithTimeout(r.Context(), awaitTime)
	defer cancel()
	field := r.Header.Get(relay.PathHeader)
	expected := h.station.live.relays.AddDownstream(r.URL.Path, field)
	defer expected()
	mount := h.station.live.Await(ctx, r.URL.Path)
	if mount != nil && field != "" && mount.Heard() == "" {
		return nil
	}
	return mount
}

// serveHead answers what a listener would be told.
func serveHead(w http.ResponseWriter, r *http.Request, mount *streaming.Mount, client streaming.Client) (bool, error) {
	stream, ok := mount.Stream()
	if !ok {
		return false, nil
	}
	setFields(w.Header(), listenerFields(w.Header(), stream, mount.Interval(client)))
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(http.StatusOK)
	return true, nil
}

// isAskedFirst tells whether it must be known that somebody may hear a mount before it is
// looked for: whoever may not shall not make us pull it.
func (h *Handler) isAskedFirst(path string, client streaming.Client) bool {
	if client.Slave || h.station.auth(path) == nil {
		return false
	}
	m := h.station.live.Mount(path)
	return m == nil || m.Heard() == ""
}

// listenStream serves a listener over HTTP/2 or 3 until it ends.
func listenStream(w http.ResponseWriter, r *http.Request, l *streaming.Listener, fields []field) error {
	caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true) // we log it when it ends
	setFields(w.Header(), fields)
	w.Header().Set("Incremental", "?1")
	w.WriteHeader(http.StatusOK)
	if err := http.NewResponseController(w).Flush(); err != nil {
		l.Cancel()
		return err
	}
	conn := transport.NewStream(w, transport.ConnOf(r.Context()))
	leave := context.AfterFunc(r.Context(), func() {
		l.Remove(conn.WhyOver())
		conn.Abort()
	})
	defer leave()
	l.Run(conn)
	if conn.IsAborted() && r.Context().Err() == nil {
		// What it has not read is thrown away, and it learns that it was cut off.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// refuseStream answers a source or a listener for whom there is no place.
func refuseStream(w http.ResponseWriter, r *http.Request, err error) error {
	if errors.Is(err, streaming.ErrClosed) {
		return response.Refuse(w, r, http.StatusServiceUnavailable, "The server is shutting down")
	}
	return response.Refuse(w, r, http.StatusForbidden, err.Error())
}

// listenHTTP1 takes the connection over and leaves it to the engine: a plain one,
// and TLS over a wire, for good, any other with a goroutine that is not this
// one, so that all that the request holds is freed.
func listenHTTP1(w http.ResponseWriter, r *http.Request, l *streaming.Listener, fields []field) error {
	conn, _, err := transport.Hijack(w)
	if err != nil {
		l.Cancel()
		return err
	}
	caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true) // we log it when it ends
	if _, bare := w.(*caddyhttp.IdleTimeoutWriter); !bare {
		w.WriteHeader(http.StatusOK) // for the metrics, and for what changes the header when it is written
	}
	first := head(r, w.Header(), fields)
	if tcp, ok := transport.PlainConn(conn, r); ok {
		l.Attach(tcp, first)
	} else if c, wire, ok := transport.TLS(conn); ok {
		transport.ReleaseReadBuffers(c)
		l.AttachTLS(c, wire, first)
	} else {
		l.Go(streaming.NetConn(conn), first)
	}
	return nil
}

// clientOf tells who asks.
func clientOf(r *http.Request) streaming.Client {
	c := streaming.Client{
		Agent:     icy.Clean(r.UserAgent()),
		Referer:   icy.Clean(r.Referer()),
		Protocol:  r.Proto,
		Encrypted: r.TLS != nil,
	}
	c.IP, _ = netip.ParseAddr(response.ClientIP(r))
	if n, err := strconv.Atoi(strings.TrimSpace(r.Header.Get("Icy-MetaData"))); err == nil && n != 0 {
		c.Metadata = true
	}
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		if user, ok := repl.GetString("http.auth.user.id"); ok {
			c.User = icy.Clean(user)
		}
	}
	return c
}

// listenerFields returns what Icecast tells a listener of a stream, and puts our
// other fields into header, where the site's configuration may have its own.
func listenerFields(header http.Header, stream streaming.Stream, interval int) []field {
	header.Set("Content-Type", stream.Type)
	header.Set("X-Content-Type-Options", "nosniff")
	// What is encoded on its way would not be the stream any more.
	response.SetDefault(header, "Cache-Control", "no-cache, no-store, no-transform")
	response.SetDefault(header, "Pragma", "no-cache")
	if !isMedia(stream.Type) {
		// A source must not put scripts on the station's site.
		header.Set("Content-Security-Policy", "sandbox")
	}
	response.SetDefault(header, "Expires", "Mon, 26 Jul 1997 05:00:00 GMT")
	for _, f := range response.CorsHeader {
		response.SetDefault(header, f[0], f[1])
	}

	info := stream.Info
	public := "0"
	if info.Public != nil && *info.Public {
		public = "1"
	}
	all := []field{
		{"icy-br", info.Bitrate},
		{"ice-audio-info", info.AudioInfo},
		{"icy-description", info.Description},
		{"icy-genre", info.Genre},
		{"icy-name", info.Name},
		{"icy-pub", public},
		{"icy-url", info.URL},
	}
	if interval > 0 {
		all = append(all, field{"icy-metaint", strconv.Itoa(interval)})
	}
	said := all[:0]
	for _, f := range all {
		if f.value != "" {
			said = append(said, f)
		}
	}
	return said
}

// isMedia tells whether browsers play a type and do nothing else with it.
func isMedia(contentType string) bool {
	family, _, _ := strings.Cut(contentType, "/")
	return family == "audio" || family == "video" || contentType == "application/ogg"
}

// setFields puts Icecast's fields into a header, as they are written.
func setFields(h http.Header, fields []field) {
	for _, f := range fields {
		h[f.name] = []string{f.value}
	}
}
