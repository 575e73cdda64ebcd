package handler

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddycast/caddycast/caddymodule/transport"
)

// pipeWriter is a response on a connection that can be hijacked.
type pipeWriter struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (w *pipeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriter(w.conn)), nil
}

func TestHijackGoesToTheInnermostWriter(t *testing.T) {
	server, client := net.Pipe()
	defer server.Close()
	defer client.Close()
	inner := &pipeWriter{httptest.NewRecorder(), server}
	var w http.ResponseWriter = inner
	for range 3 {
		w = &watchedWriter{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
	}
	conn, r, err := transport.Hijack(w)
	if err != nil || conn != inner.conn || r == nil {
		t.Errorf("%v, %v, %v; want the innermost connection and its reader", conn, r, err)
	}
	if w.(*watchedWriter).answered {
		t.Error("an outer writer knows of it")
	}
}
