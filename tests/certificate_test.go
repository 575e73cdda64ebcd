package tests

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// makeCertificate writes a certificate of 127.0.0.1 and localhost, and its key,
// into a folder.
func makeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "caddycast tests"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// certificate returns the one that a new connection is shown, which must be good.
func (s *server) certificate(k kind) (*x509.Certificate, error) {
	address, protocol := s.tls, "http/1.1"
	switch k {
	case h3:
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		conn, err := quic.DialAddr(ctx, address, s.tlsConfig("h3"), nil)
		if err != nil {
			return nil, err
		}
		defer func() { _ = conn.CloseWithError(0, "") }()
		return conn.ConnectionState().TLS.PeerCertificates[0], nil
	case h2:
		protocol = "h2"
	case wired:
		address = s.wired
	}
	conn, err := tls.Dial("tcp", address, s.tlsConfig(protocol))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0], nil
}

// renewed waits until new connections of all kinds are shown another certificate than
// one, and returns it.
func (s *server) renewed(old *x509.Certificate) (leaf *x509.Certificate) {
	s.t.Helper()
	began := time.Now()
	for _, k := range []kind{http1, wired, h2, h3} {
		eventually(s.t, fmt.Sprintf("%s has a new certificate", k), func() (err error) {
			leaf, err = s.certificate(k)
			if err == nil && old != nil && leaf.Equal(old) {
				err = fmt.Errorf("it is that of %v", leaf.NotBefore)
			}
			return err
		})
	}
	s.t.Logf("a new certificate after %v", time.Since(began).Round(time.Millisecond))
	return leaf
}

// Certificates from files that were replaced are shown after a reload of the same
// configuration, and who listens or sends stays.
func TestCertificatesThatAreReplacedOnDiskAreShownAfterAReload(t *testing.T) {
	dir := t.TempDir()
	if err := makeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	s := &server{
		t: t, authority: filepath.Join(dir, "cert.pem"),
		plain: freeAddress(t), tls: freeAddress(t), wired: freeAddress(t), admin: freeAddress(t),
	}
	config := s.caddyfile(station)
	for _, file := range []string{"cert.pem", "key.pem"} {
		config = strings.ReplaceAll(config, filepath.Join(storage, file), filepath.Join(dir, file))
	}
	if err := s.loadRaw(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCaddy(t) })
	src := s.sourceOverTLS("/m")
	src.send(50)
	var listeners []*listener
	for _, way := range waysOut {
		listeners = append(listeners, s.listen("/m", way.kind, way.encrypted))
	}
	first, err := s.certificate(http1)
	if err != nil {
		t.Fatal(err)
	}
	if err := makeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.reloadRaw(config); err != nil {
		t.Fatal(err)
	}
	s.renewed(first)
	src.send(50)
	src.finish()
	for _, l := range listeners {
		if c := l.toTheEnd(); c.Last != 99 || c.Rest() != 0 {
			t.Errorf("by %s: heard to %d and %d bytes", l.kind, c.Last, c.Rest())
		}
	}
}
