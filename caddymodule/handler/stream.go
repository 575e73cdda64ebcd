package handler

import (
	"context"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming"
)

// serveStream writes the head of the answer and connects the listener to the engine.
func (h *Handler) serveStream(w http.ResponseWriter, q *listenerRequest, l *streaming.Listener) error {
	fields := listenerFields(w.Header(), l.Stream(), l.Interval)
	if q.ProtoMajor == 1 {
		return h.listenHTTP1(w, q.Facts, l, fields)
	}
	return listenStream(w, q.Facts, l, fields)
}

// serveHead answers HEAD with the header that a listener gets.
func serveHead(w http.ResponseWriter, q *listenerRequest) error {
	stream, ok := q.mount.Stream()
	if !ok {
		return errNotServed
	}
	setFields(w.Header(), listenerFields(w.Header(), stream, q.mount.Interval(q.client)))
	if q.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// listenHTTP1 hijacks the connection and hands it to the engine. Plain TCP, and TLS over a
// cipher buffer, need no goroutine. Any other connection gets one of its own, so that the
// memory of the request is freed.
func (h *Handler) listenHTTP1(w http.ResponseWriter, r *request.Facts, l *streaming.Listener, fields []field) error {
	conn, _, err := transport.Hijack(w)
	if err != nil {
		l.Cancel()
		return err
	}
	caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true) // the engine logs it at its end
	if _, bare := w.(*caddyhttp.IdleTimeoutWriter); !bare {
		w.WriteHeader(http.StatusOK) // for the metrics, and for what changes the header when it is written
	}
	first := head(r.Request, w.Header(), fields)
	if tcp, ok := transport.PlainConn(conn, r.Request); ok {
		l.Attach(tcp, first)
	} else if c, buffer, ok := transport.TLS(conn); ok {
		l.AttachTLS(transport.NewTLSWriter(c), buffer, first)
	} else {
		transport.ReportUnknown(h.station.Logger(), conn)
		l.Go(streaming.NetConn(conn), first)
	}
	return nil
}

// listenStream serves a listener over HTTP/2 or 3 until it ends.
func listenStream(w http.ResponseWriter, r *request.Facts, l *streaming.Listener, fields []field) error {
	caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true) // the engine logs it at its end
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
		// Unsent data is discarded, and the client sees that the stream was cut off.
		panic(http.ErrAbortHandler)
	}
	return nil
}
