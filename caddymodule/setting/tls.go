package setting

import (
	"errors"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
)

// TLSDirectives are those of a connection to another server. config is made by the first of them.
//
//	tls_trust       <pem file>...
//	tls_server_name <name>
//	tls_client_auth <certificate file> <key file>
//	tls_insecure_skip_verify
func TLSDirectives(d *caddyfile.Dispenser, at **reverseproxy.TLSConfig) Directives {
	config := func() *reverseproxy.TLSConfig {
		if *at == nil {
			*at = new(reverseproxy.TLSConfig)
		}
		return *at
	}
	return Directives{
		"tls_trust": func() error {
			files := d.RemainingArgs()
			if len(files) == 0 {
				return d.Err("tls_trust: missing files; expected PEM files of certificate authorities, such as /etc/ssl/our-ca.pem")
			}
			config().CARaw = caddyconfig.JSONModuleObject(caddytls.FileCAPool{TrustedCACertPEMFiles: files}, "provider", "file", nil)
			return nil
		},
		"tls_server_name": func() error { return Text(d, &config().ServerName)() },
		"tls_client_auth": func() error {
			args := d.RemainingArgs()
			if len(args) != 2 {
				return d.Errf("tls_client_auth: %d values; expected the file of a certificate and that of its key", len(args))
			}
			config().ClientCertificateFile, config().ClientCertificateKeyFile = args[0], args[1]
			return nil
		},
		"tls_insecure_skip_verify": func() error {
			if d.NextArg() {
				return d.Errf("tls_insecure_skip_verify: unexpected argument %q; expected none", d.Val())
			}
			config().InsecureSkipVerify = true
			return nil
		},
	}
}

// CheckTLS returns an error for settings that do not fit together. config may be nil.
func CheckTLS(config *reverseproxy.TLSConfig) error {
	if config != nil && config.InsecureSkipVerify && len(config.CARaw) > 0 {
		return errors.New("tls_insecure_skip_verify: cannot be combined with tls_trust; expected one of them")
	}
	return nil
}
