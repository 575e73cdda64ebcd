package tls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/caddycast/caddycast/tests/harness"
)

// certificate returns the one that a new connection is shown, which must be good.
func certificate(s *harness.Server, k harness.Kind) (*x509.Certificate, error) {
	address, protocol := s.TLS, "http/1.1"
	switch k {
	case harness.HTTP3:
		ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
		defer cancel()
		conn, err := quic.DialAddr(ctx, address, s.TLSConfig("h3"), nil)
		if err != nil {
			return nil, err
		}
		defer func() { _ = conn.CloseWithError(0, "") }()
		return conn.ConnectionState().TLS.PeerCertificates[0], nil
	case harness.HTTP2:
		protocol = "h2"
	case harness.HTTP1Wired:
		address = s.Wired
	}
	conn, err := tls.Dial("tcp", address, s.TLSConfig(protocol))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0], nil
}

// renewed waits until new connections of all kinds are shown another certificate than
// one, and returns it.
func renewed(s *harness.Server, old *x509.Certificate) (leaf *x509.Certificate) {
	s.T.Helper()
	began := time.Now()
	for _, k := range []harness.Kind{harness.HTTP1, harness.HTTP1Wired, harness.HTTP2, harness.HTTP3} {
		harness.Eventually(s.T, fmt.Sprintf("%s has a new certificate", k), func() (err error) {
			leaf, err = certificate(s, k)
			if err == nil && old != nil && leaf.Equal(old) {
				err = fmt.Errorf("it is that of %v", leaf.NotBefore)
			}
			return err
		})
	}
	s.T.Logf("a new certificate after %v", time.Since(began).Round(time.Millisecond))
	return leaf
}

// Certificates from files that were replaced are shown after a reload of the same
// configuration, and listeners and sources stay.
func TestCertificatesThatAreReplacedOnDiskAreShownAfterAReload(t *testing.T) {
	dir := t.TempDir()
	if err := harness.MakeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	s := &harness.Server{
		T: t, Authority: filepath.Join(dir, "cert.pem"),
		Plain: harness.FreeAddress(t), TLS: harness.FreeAddress(t), Wired: harness.FreeAddress(t), AdminAddress: harness.FreeAddress(t),
	}
	config := s.Caddyfile(harness.Station)
	for _, file := range []string{"cert.pem", "key.pem"} {
		config = strings.ReplaceAll(config, filepath.Join(harness.Storage, file), filepath.Join(dir, file))
	}
	if err := s.LoadCaddyfile(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { harness.StopCaddy(t) })
	src := s.SourceOverTLS("/m")
	src.Send(50)
	var listeners []*harness.Listener
	for _, way := range harness.Ways {
		listeners = append(listeners, s.Listen("/m", way.Kind, way.Encrypted))
	}
	first, err := certificate(s, harness.HTTP1)
	if err != nil {
		t.Fatal(err)
	}
	if err := harness.MakeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.ReloadCaddyfile(config); err != nil {
		t.Fatal(err)
	}
	renewed(s, first)
	src.Send(50)
	src.Finish()
	for _, l := range listeners {
		if c := l.WaitForEnd(); c.Last != 99 || c.Rest() != 0 {
			t.Errorf("by %s: heard to %d and %d bytes", l.Kind, c.Last, c.Rest())
		}
	}
}
