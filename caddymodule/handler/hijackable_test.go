package handler_test

import (
	"bufio"
	"net"
	"net/http/httptest"
	"testing"
)

// hijackable is a response whose connection can be taken over.
type hijackable struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

// newHijackable returns a response and the client's end of its connection.
func newHijackable(t *testing.T) (*hijackable, net.Conn) {
	t.Helper()
	server, client := net.Pipe()
	t.Cleanup(func() {
		_ = server.Close()
		_ = client.Close()
	})
	return &hijackable{httptest.NewRecorder(), server}, client
}
