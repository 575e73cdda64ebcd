package caddymodule

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/streaming/relay"
)

// Pulling is the settings of connections that pull streams from another server.
type Pulling struct {
	// The user name that is sent to the upstream. Default: `relay` if there is a password.
	User string `json:"user,omitempty"`

	// The password that is sent to the upstream, and to no other host. Placeholders are
	// replaced when the configuration is loaded.
	Password string `json:"password,omitempty"`

	// Whether to pull only while the mount has listeners: from the first listener until
	// 10 seconds after the last. Default: false.
	OnDemand *bool `json:"on_demand,omitempty"`

	// Whether to request titles. Default: true.
	Metadata *bool `json:"metadata,omitempty"`

	// How long to wait for the answer of an upstream. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How https upstreams are verified, and the client certificate for them.
	TLS *reverseproxy.TLSConfig `json:"tls,omitempty"`
}

// pullingDirectives are those that relays and slaves have in common.
//
//	user     <name>
//	password <secret>
//	on_demand [off]
//	metadata  [off]
//	timeout  <duration>
//
//	tls_trust       <pem file>...
//	tls_server_name <name>
//	tls_client_auth <certificate file> <key file>
//	tls_insecure_skip_verify
func pullingDirectives(d *caddyfile.Dispenser, p *Pulling) setting.Directives {
	config := func() *reverseproxy.TLSConfig {
		if p.TLS == nil {
			p.TLS = new(reverseproxy.TLSConfig)
		}
		return p.TLS
	}
	return setting.Directives{
		"user":      setting.Text(d, &p.User),
		"password":  setting.Text(d, &p.Password),
		"on_demand": setting.Flag(d, &p.OnDemand),
		"metadata":  setting.Flag(d, &p.Metadata),
		"timeout":   setting.PositiveDuration(d, &p.Timeout),
		"tls_trust": func() error {
			files := d.RemainingArgs()
			if len(files) == 0 {
				return d.Err("tls_trust: missing files; expected PEM files of certificate authorities, such as /etc/ssl/our-ca.pem")
			}
			config().CARaw = caddyconfig.JSONModuleObject(caddytls.FileCAPool{TrustedCACertPEMFiles: files}, "provider", "file", nil)
			return nil
		},
		"tls_server_name": func() error { return setting.Text(d, &config().ServerName)() },
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

func (p *Pulling) validate() error {
	if err := setting.CheckRange("timeout", p.Timeout, math.MaxInt64); err != nil {
		return err
	}
	if p.User != "" && p.Password == "" {
		return fmt.Errorf("user %q: no password; expected one", p.User)
	}
	if p.TLS != nil && p.TLS.InsecureSkipVerify && len(p.TLS.CARaw) > 0 {
		return errors.New("tls_insecure_skip_verify: cannot be combined with tls_trust; expected one of them")
	}
	return nil
}

// upstreams translates URLs and credentials for the engine.
func (p *Pulling) upstreams(ctx caddy.Context, urls []string) ([]relay.Upstream, error) {
	repl := caddy.NewReplacer()
	user, err := repl.ReplaceOrErr(p.User, true, true)
	if err != nil {
		return nil, fmt.Errorf("user: %w", err)
	}
	password, err := repl.ReplaceOrErr(p.Password, true, true)
	if err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	if p.Password != "" && user == "" {
		user = "relay"
	}
	config, err := p.tls(ctx)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	var all []relay.Upstream
	for _, u := range urls {
		at, err := repl.ReplaceOrErr(u, true, true)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", u, err)
		}
		if err := checkUpstream(at); err != nil {
			return nil, err
		}
		all = append(all, relay.Upstream{URL: at, User: user, Password: password, TLS: config})
	}
	return all, nil
}

func (p *Pulling) tls(ctx caddy.Context) (*relay.TLS, error) {
	if p.TLS == nil {
		return nil, nil
	}
	key, err := json.Marshal(p.TLS)
	if err != nil {
		return nil, err
	}
	var config *tls.Config
	if config, err = p.TLS.MakeTLSClientConfig(ctx); err != nil {
		return nil, err
	}
	return &relay.TLS{Key: string(key), Config: config}, nil
}

// checkUpstream returns an error for a URL that is no upstream.
func checkUpstream(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "":
		return fmt.Errorf("%.200q: invalid URL; expected http or https, such as https://other.example.net/jazz.mp3", text)
	case u.User != nil:
		return fmt.Errorf("%s: credentials in a URL, which is shown on pages and in logs; expected user and password in the block", u.Redacted())
	case u.Fragment != "":
		return fmt.Errorf("%s: fragment in a URL; expected nothing after the #", text)
	}
	return nil
}

func (p *Pulling) timeout() time.Duration { return time.Duration(p.Timeout) }
