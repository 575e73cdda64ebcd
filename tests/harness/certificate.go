package harness

import (
	"os"
	"path/filepath"

	"github.com/caddycast/caddycast/internal/selfsigned"
)

// MakeCertificate writes a certificate of 127.0.0.1 and localhost, and its key,
// into a folder, as cert.pem and key.pem.
func MakeCertificate(dir string) error {
	certificate, key, err := selfsigned.Make()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), certificate, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "key.pem"), key, 0o600)
}
