package transport_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

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

// foreignConn is a wrapper of another module, which may change the bytes.
type foreignConn struct{ net.Conn }

// tapped is a wrapper of another module that passes bytes through unchanged.
type tapped struct{ net.Conn }

func (c tapped) Underlying() net.Conn { return c.Conn }

// A connection type that is not recognized costs a goroutine per listener. That was silent.
func TestAnUnknownConnectionTypeIsReportedOnce(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	log := zap.New(core)
	tcp := new(net.TCPConn)
	for _, conn := range []net.Conn{
		tcp,
		tapped{tcp},
		new(net.UnixConn), streaming.NewCipherBuffer(tcp),
		tls.Server(tcp, nil), tls.Server(tapped{streaming.NewCipherBuffer(tcp)}, nil),
	} {
		transport.ReportUnknown(log, conn)
	}
	if logs.Len() > 0 {
		t.Errorf("types that are known are reported: %v", logs.All())
	}
	for range 2 {
		transport.ReportUnknown(log, foreignConn{tcp})
		transport.ReportUnknown(log, tapped{foreignConn{tcp}})
		transport.ReportUnknown(log, tls.Server(foreignConn{tcp}, nil))
	}
	all := logs.All()
	if len(all) != 1 || all[0].Message != "unknown connection type; each listener on it costs a goroutine" || all[0].Level != zap.WarnLevel {
		t.Fatalf("%v; want one warning", all)
	}
	if got := all[0].ContextMap()["type"]; got != "transport_test.foreignConn" {
		t.Errorf("type %v", got)
	}
}
