package relay

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	maxHead   = 32 << 10 // bytes of an answer's head
	keepAlive = 15 * time.Second
)

// transport returns a transport for one request. It stores the connection in conn, and
// accepts the answers of SHOUTcast.
func (u Upstream) transport(timeout time.Duration, conn *net.Conn) *http.Transport {
	dialer := &net.Dialer{Timeout: timeout, KeepAlive: keepAlive}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, addr)
		*conn = c
		return c, err
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &icyConn{Conn: c}, nil
		},
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			t := tls.Client(c, u.tlsConfig(addr))
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			if err := t.HandshakeContext(ctx); err != nil {
				_ = c.Close()
				return nil, err
			}
			return &icyConn{Conn: t}, nil
		},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		ResponseHeaderTimeout:  timeout,
		MaxResponseHeaderBytes: maxHead,
	}
}

// tlsConfig returns the configuration for the server at an address.
func (u Upstream) tlsConfig(addr string) *tls.Config {
	config := new(tls.Config)
	if u.TLS != nil && u.TLS.Config != nil {
		config = u.TLS.Config.Clone()
	}
	if host, _, err := net.SplitHostPort(addr); err == nil && config.ServerName == "" {
		config.ServerName = host
	}
	config.NextProtos = []string{"http/1.1"}
	return config
}
