package handler

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/icy"
)

// serveSource checks a source, connects it and stays until it ends. A source that is
// refused has touched no mount, and no hook runs.
func (h *Handler) serveSource(w http.ResponseWriter, r *request.Facts) error {
	path := r.URL.Path
	if mountpath.IsReserved(path) {
		return response.Refuse(http.StatusForbidden, "This path is a page of the station, or a playlist; expected another").
			Warned("source rejected: reserved path", mountField(path))
	}
	grant, err := h.authorizeSource(r, path)
	if err != nil {
		return err
	}
	if err := checkSource(r, path); err != nil {
		return err
	}
	if err := cmp.Or(h.checkSourceDraining(path), h.station.CheckBan(r.Addr, "", grant.User)); err != nil {
		return err
	}
	src := &streaming.Source{User: grant.User, Addr: r.ClientIP, Interval: interval(r.Request)}
	in := newIngest(r.Context())
	if err := h.station.NewSource(path, src, sourceInfo(r.Request), in.stop); err != nil {
		return sourceRefused(path, err)
	}
	defer src.End()
	defer in.close()
	if err := h.station.CheckBan(r.Addr, "", grant.User); err != nil { // since a moment ago, so that nobody has ended it
		return err
	}
	if err := in.open(w, r.Request, grant.Answer); err != nil {
		return err
	}
	if in.conn != nil {
		src.BatchReads = streaming.ReadBatcher(transport.Bare(in.conn))
	}
	h.runSource(src, path, in)
	return nil
}

// authorizeSource returns the grant of a source: that of its connection if the source logged
// in without HTTP, else that of its credentials.
func (h *Handler) authorizeSource(r *request.Facts, path string) (*auth.Grant, error) {
	policy := h.station.Policy(path)
	if policy.SourceTLS && !r.IsEncrypted() {
		return nil, response.Refuse(http.StatusForbidden, "Sources of this mount must use TLS").
			Warned("source rejected: source_tls is required", mountField(path))
	}
	if g := auth.TakeGrant(r.Context(), h.station.StationName(), path); g != nil {
		return g, nil
	}
	user, err := h.station.Gate.AuthorizeSource(r, path, false, policy.Source)
	if _, _, tried := r.BasicAuth(); err != nil && tried && policy.Source == nil && h.station.Gate.Module(path) == nil {
		return nil, response.Challenge().Warned("source rejected: no source_password is set", mountField(path))
	}
	if err != nil {
		return nil, err
	}
	return &auth.Grant{User: user, Answer: sourceAnswer(r.Request)}, nil
}

// checkSource refuses an invalid mount path or a missing content type.
func checkSource(r *request.Facts, path string) error {
	if err := mountpath.Check(path); err != nil {
		return response.Refuse(http.StatusBadRequest, err.Error())
	}
	if r.Method == http.MethodPut && r.Header.Get("Content-Type") == "" {
		return response.Refuse(http.StatusForbidden, "No Content-type given").
			Warned("source rejected: missing content type", mountField(path))
	}
	return nil
}

// sourceRefused is the refusal of a source that the engine does not take.
func sourceRefused(path string, err error) error {
	refused := errStream(err)
	if refusal, ok := errors.AsType[*response.Refusal](refused); ok && errors.Is(err, streaming.ErrMountInUse) {
		return refusal.Warned("source rejected: mount in use", mountField(path))
	}
	return refused
}

// proxyHelp is the page about sources behind a proxy.
const proxyHelp = "docs/guides/proxy.md"

func mountField(path string) zap.Field { return zap.String("mount", response.Printable(path)) }

// runSource feeds the mount until the source ends, and logs both ends.
func (h *Handler) runSource(src *streaming.Source, path string, in *ingest) {
	log := h.station.Logger
	fields := []zap.Field{
		zap.String("mount", path),
		zap.String("client_ip", src.Addr),
		zap.String("user_agent", src.Info().UserAgent),
	}
	log().Info("source connected", fields...)
	reason := src.Run(in)
	if src.IsHandedOver() {
		return // another process tells of it
	}
	if src.IsEmpty() && (reason == streaming.TimedOut || reason == streaming.Finished) {
		log().Warn("no data received; is a proxy buffering?", append(fields, zap.String("help", proxyHelp))...)
	}
	log().Info("source disconnected", append(fields,
		zap.Stringer("reason", reason),
		zap.Duration("duration", time.Since(src.Since)))...)
}

// sourceInfo returns what the header of a source says about its stream.
func sourceInfo(r *http.Request) streaming.Info { return streaming.ParseInfo(r.Header.Get) }

// interval returns the bytes between the metadata blocks of a source's stream; 0: no blocks.
func interval(r *http.Request) int {
	n, err := strconv.Atoi(r.Header.Get("icy-metaint"))
	if err != nil || n < 0 || n > icy.MaxInterval {
		return 0
	}
	return n
}
