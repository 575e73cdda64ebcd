//go:build linux

package main

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"

	"github.com/caddycast/caddycast/internal/selfsigned"
)

// certificate is one of localhost that signs itself, in files for servers.
type certificate struct {
	cert, key, both string // paths
	trust           *x509.CertPool
}

func makeCertificate(dir string) (certificate, error) {
	c := certificate{
		cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), both: filepath.Join(dir, "both.pem"),
		trust: x509.NewCertPool(),
	}
	cert, key, err := selfsigned.Make()
	if err != nil {
		return c, err
	}
	c.trust.AppendCertsFromPEM(cert)
	for path, text := range map[string][]byte{c.cert: cert, c.key: key, c.both: slices.Concat(key, cert)} {
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // G306: servers may run as somebody else; the key lives as long as the run
			return c, err
		}
	}
	return c, nil
}
