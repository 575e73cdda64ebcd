package caddymodule

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

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
//	…         # see setting.TLSDirectives
func pullingDirectives(d *caddyfile.Dispenser, p *Pulling) setting.Directives {
	known := setting.TLSDirectives(d, &p.TLS)
	maps.Copy(known, setting.Directives{
		"user":      setting.Text(d, &p.User),
		"password":  setting.Text(d, &p.Password),
		"on_demand": setting.Flag(d, &p.OnDemand),
		"metadata":  setting.Flag(d, &p.Metadata),
		"timeout":   setting.PositiveDuration(d, &p.Timeout),
	})
	return known
}

func (p *Pulling) validate() error {
	if err := setting.CheckRange("timeout", p.Timeout, math.MaxInt64); err != nil {
		return err
	}
	if p.User != "" && p.Password == "" {
		return fmt.Errorf("user %q: no password; expected one", p.User)
	}
	return setting.CheckTLS(p.TLS)
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
