package transport_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming"
)

func TestTakeOverOfWhatCanNotBeTakenOver(t *testing.T) {
	_, _, err := transport.Hijack(httptest.NewRecorder())
	if err == nil || err.Error() != "taking over the connection: feature not supported" {
		t.Errorf("error %v", err)
	}
}

func TestOnlyABareTCPConnectionIsPlain(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	tcp, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	pipe, other := net.Pipe()
	defer pipe.Close()
	defer other.Close()

	plain := httptest.NewRequest("GET", "/", nil)
	encrypted := httptest.NewRequest("GET", "https://localhost/", nil)
	for _, tt := range []struct {
		name string
		conn net.Conn
		r    *http.Request
		want bool
	}{
		{"bare TCP", tcp, plain, true},
		{"a cipher buffer", streaming.NewCipherBuffer(tcp.(*net.TCPConn)), plain, true},
		{"TCP, but the request came over TLS", tcp, encrypted, false},
		{"TLS", tls.Client(tcp, new(tls.Config)), plain, false},
		{"something around TCP", struct{ net.Conn }{tcp}, plain, false},
		{"no TCP at all", pipe, plain, false},
	} {
		if got, ok := transport.PlainConn(tt.conn, tt.r); ok != tt.want || ok && got != tcp {
			t.Errorf("%s: %v, %t; want %t", tt.name, got, ok, tt.want)
		}
	}
}
