package handler

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/transport"
)

// answerTime bounds the writing of the answer to a source.
const answerTime = 10 * time.Second

// noTimeout is longer than any stream.
const noTimeout = 100 * 365 * 24 * time.Hour

// ingest is the body of a source's request. stop ends a Read, from any goroutine, and also
// before open.
type ingest struct {
	io.Reader
	ctx    context.Context
	stop   context.CancelFunc
	settle func()   // waits until the deadline of stop is set, if it is being set
	conn   net.Conn // of HTTP/1; nil: HTTP/2 or 3
}

func newIngest(ctx context.Context) *ingest {
	in := &ingest{settle: func() {}}
	in.ctx, in.stop = context.WithCancel(context.WithoutCancel(ctx))
	return in
}

// open answers the source and sets the Reader of its stream.
func (in *ingest) open(w http.ResponseWriter, r *http.Request, answer string) error {
	if r.ProtoMajor > 1 {
		return in.openStream(w, r)
	}
	conn, buffered, err := transport.Hijack(w)
	if err != nil {
		return err
	}
	in.conn = conn
	in.onStop(conn.SetReadDeadline)
	in.Reader = sourceBody(r, conn, buffered)
	_ = conn.SetWriteDeadline(time.Now().Add(answerTime))
	if _, err := io.WriteString(conn, answer); err != nil {
		return fmt.Errorf("answering a source: %w", err)
	}
	return nil
}

// openStream opens a source over HTTP/2 or 3.
func (in *ingest) openStream(w http.ResponseWriter, r *http.Request) error {
	w.WriteHeader(http.StatusOK)
	if err := http.NewResponseController(w).Flush(); err != nil {
		return fmt.Errorf("answering a source: %w", err)
	}
	if idle, _ := caddyhttp.IdleTimeoutsFromContext(r.Context()); idle != nil {
		idle.Override(noTimeout, 0) // source_timeout bounds silence
	}
	in.onStop(http.NewResponseController(w).SetReadDeadline)
	in.Reader = r.Body
	return nil
}

// onStop makes stop end a blocked Read. After settle, nothing of the request is used any
// more.
func (in *ingest) onStop(setReadDeadline func(time.Time) error) {
	done := make(chan struct{})
	forget := context.AfterFunc(in.ctx, func() {
		_ = setReadDeadline(time.Unix(1, 0))
		close(done)
	})
	in.settle = func() {
		if !forget() {
			<-done
		}
	}
}

// close ends the connection of a source.
func (in *ingest) close() {
	in.settle()
	in.stop()
	if in.conn != nil {
		_ = in.conn.Close()
	}
}

// sourceAnswer returns the answer to a source over HTTP/1. It is sent at once, since encoders
// send nothing before it, and most read nothing after it. Liquidsoap expects 100 Continue also
// over HTTP/1.0.
func sourceAnswer(r *http.Request) string {
	if r.Method == request.MethodSource {
		return "HTTP/1.0 200 OK\r\n\r\n"
	}
	ok := "HTTP/1.0 200 OK\r\n\r\n"
	if r.ProtoAtLeast(1, 1) {
		ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
	}
	if strings.Contains(strings.ToLower(r.Header.Get("Expect")), "100-continue") {
		return "HTTP/1.1 100 Continue\r\n\r\n" + ok
	}
	return ok
}

// sourceBody returns the stream of a source over HTTP/1. Most encoders give no length; then
// the stream ends with the connection.
func sourceBody(r *http.Request, conn net.Conn, buffered *bufio.Reader) io.Reader {
	if len(r.TransferEncoding) > 0 {
		return httputil.NewChunkedReader(buffered)
	}
	early, _ := buffered.Peek(buffered.Buffered())
	body := io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn)
	if r.ContentLength > 0 {
		return io.LimitReader(body, r.ContentLength)
	}
	return body
}
