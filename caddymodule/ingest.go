package caddymodule

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/icy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// answerTime bounds the writing of the few bytes that a source is answered.
const answerTime = 10 * time.Second

// noTimeout is longer than any stream.
const noTimeout = 100 * 365 * 24 * time.Hour

// serveSource checks a source, takes it in and stays with it to its end. What is
// refused is refused before anything is known of it but its request: no mount
// is touched and nobody is told.
func (h *Handler) serveSource(w http.ResponseWriter, r *http.Request) error {
	path := r.URL.Path
	if h.station.isInClear(r, path) {
		return response.Refuse(w, r, http.StatusForbidden, "Sources of this mount come over TLS only")
	}
	a := admitted(r, h.station, path)
	if a == nil {
		login := h.station.source(path)
		if _, _, tried := r.BasicAuth(); tried && login == nil && h.station.auth(path) == nil {
			h.station.live.logger().Warn("a source was refused since no source_password is set",
				zap.String("mount", response.Printable(path)), zap.String("client_ip", response.ClientIP(r)))
		}
		user, ok, err := h.admitSource(w, r, path, false, login)
		if !ok {
			return err
		}
		a = &admission{user: user, answer: sourceAnswer(r)}
	}
	if err := mountpath.Check(path); err != nil {
		return response.Refuse(w, r, http.StatusBadRequest, err.Error())
	}
	if r.Method == http.MethodPut && r.Header.Get("Content-Type") == "" {
		return response.Refuse(w, r, http.StatusForbidden, "No Content-type given")
	}
	src := &streaming.Source{
		User:     a.user,
		Addr:     response.ClientIP(r),
		Interval: interval(r),
	}
	in := newIngest(r.Context())
	if err := h.station.live.NewSource(path, src, sourceInfo(r), in.stop); err != nil {
		return refuseStream(w, r, err)
	}
	defer src.End()
	defer in.close()
	if err := in.open(w, r, a.answer); err != nil {
		return err
	}
	if in.conn != nil {
		src.BatchReads = streaming.ReadBatcher(transport.Bare(in.conn))
	}
	h.runSource(src, path, in)
	return nil
}

// runSource feeds the mount, and says so in the log.
func (h *Handler) runSource(src *streaming.Source, path string, in *ingest) {
	log := h.station.live.logger
	who := []zap.Field{
		zap.String("mount", path),
		zap.String("client_ip", src.Addr),
		zap.String("user_agent", src.Info().UserAgent),
	}
	log().Info("source connected", who...)
	reason := src.Run(in)
	log().Info("source disconnected", append(who,
		zap.Stringer("reason", reason),
		zap.Duration("duration", time.Since(src.Since)))...)
}

// sourceInfo reads what a source says of itself.
func sourceInfo(r *http.Request) streaming.Info { return streaming.ParseInfo(r.Header.Get) }

// interval returns the space between the metadata blocks in what a source sends,
// 0 if it sends none.
func interval(r *http.Request) int {
	n, err := strconv.Atoi(r.Header.Get("icy-metaint"))
	if err != nil || n < 0 || n > icy.MaxInterval {
		return 0
	}
	return n
}

// ingest is the body of a source's request. Stop ends its reading from any
// goroutine, also before it is open.
type ingest struct {
	io.Reader
	ctx    context.Context
	stop   context.CancelFunc
	settle func()
	conn   net.Conn // of HTTP/1
}

func newIngest(ctx context.Context) *ingest {
	in := &ingest{settle: func() {}}
	in.ctx, in.stop = context.WithCancel(context.WithoutCancel(ctx))
	return in
}

// open gives the source its answer and gets hold of what it sends.
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

// openStream opens a source over HTTP/2 or 3, whose body comes as any other.
func (in *ingest) openStream(w http.ResponseWriter, r *http.Request) error {
	w.WriteHeader(http.StatusOK)
	if err := http.NewResponseController(w).Flush(); err != nil {
		return fmt.Errorf("answering a source: %w", err)
	}
	if idle, _ := caddyhttp.IdleTimeoutsFromContext(r.Context()); idle != nil {
		idle.Override(noTimeout, 0) // source_timeout says how long it may be silent
	}
	in.onStop(http.NewResponseController(w).SetReadDeadline)
	in.Reader = r.Body
	return nil
}

// onStop makes stop end a read that waits. Nothing of the request is touched any
// more once settle has returned.
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

// sourceAnswer is what a source of HTTP/1 waits for before it sends. It comes at
// once, since encoders don't send before it, and most read nothing after it.
// Liquidsoap expects to be told to continue over HTTP/1.0, too.
func sourceAnswer(r *http.Request) string {
	if r.Method == response.MethodSource {
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

// sourceBody returns what a source of HTTP/1 sends after its head. Most
// encoders say no length and mean all that comes.
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
