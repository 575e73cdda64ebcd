package handler

import (
	"context"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming"
)

// serveStream gives a listener its answer, and connects it to the engine.
func serveStream(w http.ResponseWriter, q *listenerRequest, l *streaming.Listener) error {
	fields := listenerFields(w.Header(), l.Stream(), l.Interval)
	if q.ProtoMajor == 1 {
		return listenHTTP1(w, q.Facts, l, fields)
	}
	return listenStream(w, q.Facts, l, fields)
}

// serveHead answers what a listener would be told.
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

// listenHTTP1 takes the connection over and leaves it to the engine: a plain one,
// and TLS over a wire, for good, any other with a goroutine that is not this
// one, so that all that the request holds is freed.
func listenHTTP1(w http.ResponseWriter, r *request.Facts, l *streaming.Listener, fields []field) error {
	conn, _, err := transport.Hijack(w)
	if err != nil {
		l.Cancel()
		return err
	}
	caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true) // we log it when it ends
	if _, bare := w.(*caddyhttp.IdleTimeoutWriter); !bare {
		w.WriteHeader(http.StatusOK) // for the metrics, and for what changes the header when it is written
	}
	first := head(r.Request, w.Header(), fields)
	if tcp, ok := transport.PlainConn(conn, r.Request); ok {
		l.Attach(tcp, first)
	} else if c, wire, ok := transport.TLS(conn); ok {
		transport.ReleaseReadBuffers(c)
		l.AttachTLS(c, wire, first)
	} else {
		l.Go(streaming.NetConn(conn), first)
	}
	return nil
}

// listenStream serves a listener over HTTP/2 or 3 until it ends.
func listenStream(w http.ResponseWriter, r *request.Facts, l *streaming.Listener, fields []field) error {
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
