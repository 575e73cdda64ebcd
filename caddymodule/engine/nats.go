package engine

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/cluster"
)

// NATS is a server of NATS, or a cluster of them. Placeholders such as {env.NAME} are replaced in
// all texts.
type NATS struct {
	// The URLs of the servers. Required.
	Servers []string `json:"servers"`

	// A file with the credentials of this node, as nsc makes it. Default: none.
	Credentials string `json:"credentials,omitempty"`

	// The user and the password of this node. Default: none.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`

	// The token of this node. Default: none.
	Token string `json:"token,omitempty"`

	// The first word of all subjects of the station. Nodes with the same prefix are one
	// cluster. Default: `caddycast`.
	Prefix string `json:"prefix,omitempty"`

	// The region of this node, such as `eu-west`. Default: none.
	NodeRegion string `json:"region,omitempty"`

	// How the servers are verified, and the client certificate for them. Default: by the
	// system's authorities, if the servers demand TLS.
	TLS *reverseproxy.TLSConfig `json:"tls,omitempty"`

	resolved *NATS // with placeholders replaced
	tls      *tls.Config
}

// defaultPrefix is the prefix of subjects.
const defaultPrefix = "caddycast"

// connections are the connections in use, by the settings of their modules.
var connections = caddy.NewUsagePool()

// CaddyModule returns the Caddy module information.
func (*NATS) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: namespace + ".nats", New: func() caddy.Module { return new(NATS) }}
}

// UnmarshalCaddyfile parses the module.
//
//	nats <url>... {
//		credentials <file>
//		user        <name>
//		password    <secret>
//		token       <secret>
//		prefix      <word>
//		region      <name>
//		…           # see setting.TLSDirectives
//	}
func (n *NATS) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	n.Servers = d.RemainingArgs()
	known := setting.Directives{
		"credentials": setting.Text(d, &n.Credentials),
		"user":        setting.Text(d, &n.User),
		"password":    setting.Text(d, &n.Password),
		"token":       setting.Text(d, &n.Token),
		"prefix":      setting.Text(d, &n.Prefix),
		"region":      setting.Text(d, &n.NodeRegion),
	}
	maps.Copy(known, setting.TLSDirectives(d, &n.TLS))
	if err := setting.ParseBlock(d, "cluster nats", known); err != nil {
		return err
	}
	return setting.WrapErr(d, n.Validate())
}

// Validate returns an error for settings that are wrong whatever the servers say.
func (n *NATS) Validate() error {
	err := func() error {
		if len(n.Servers) == 0 {
			return errors.New("no server; expected URLs, such as nats://n1.example.org:4222")
		}
		for _, server := range n.Servers {
			if err := checkServer(server); err != nil {
				return err
			}
		}
		logins := slices.DeleteFunc([]string{n.Credentials, n.User, n.Token}, func(s string) bool { return s == "" })
		switch {
		case len(logins) > 1:
			return errors.New("several logins; expected one of credentials, user and token")
		case (n.User == "") != (n.Password == ""):
			return errors.New("user without password, or password without user; expected both")
		case n.Prefix != "" && !strings.Contains(n.Prefix, "{") && !isWord(n.Prefix):
			return fmt.Errorf("prefix %q: invalid; expected letters, digits, dashes and underscores, such as radio1", n.Prefix)
		}
		return setting.CheckTLS(n.TLS)
	}()
	if err != nil {
		return fmt.Errorf("cluster nats: %w", err)
	}
	return nil
}

// checkServer returns an error for what is no URL of a server.
func checkServer(text string) error {
	if strings.Contains(text, "{") { // a placeholder, to be filled in
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) || u.Hostname() == "":
		return fmt.Errorf("%.200q: invalid URL; expected nats, tls, ws or wss, such as nats://n1.example.org:4222", text)
	case u.User != nil:
		return fmt.Errorf("%s: credentials in a URL; expected user and password in the block", u.Redacted())
	}
	return nil
}

// isWord reports whether a text may be a part of a subject.
func isWord(text string) bool {
	return text != "" && len(text) <= 64 && strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r) && (r < '0' || '9' < r) && r != '-' && r != '_'
	}) < 0
}

// Provision replaces placeholders and loads what the settings name.
func (n *NATS) Provision(ctx caddy.Context) error {
	repl := caddy.NewReplacer()
	resolved := *n
	resolved.Servers = slices.Clone(n.Servers)
	for _, one := range []struct {
		name string
		text *string
	}{
		{"credentials", &resolved.Credentials},
		{"user", &resolved.User},
		{"password", &resolved.Password},
		{"token", &resolved.Token},
		{"prefix", &resolved.Prefix},
		{"region", &resolved.NodeRegion},
	} {
		var err error
		if *one.text, err = repl.ReplaceOrErr(*one.text, true, true); err != nil {
			return fmt.Errorf("cluster nats: %s: %w", one.name, err)
		}
	}
	for i, server := range resolved.Servers {
		var err error
		if resolved.Servers[i], err = repl.ReplaceOrErr(server, true, true); err != nil {
			return fmt.Errorf("cluster nats: %w", err)
		}
	}
	if err := resolved.Validate(); err != nil {
		return err
	}
	if resolved.Prefix == "" {
		resolved.Prefix = defaultPrefix
	}
	if n.TLS != nil {
		config, err := n.TLS.MakeTLSClientConfig(ctx)
		if err != nil {
			return fmt.Errorf("cluster nats: tls: %w", err)
		}
		n.tls = config
	}
	n.resolved = &resolved
	return nil
}

// Acquire implements Module.
func (n *NATS) Acquire() (e cluster.Engine, release func(), err error) {
	text, err := json.Marshal(n.resolved) //nolint:gosec // G117: the key stays in memory
	if err != nil {
		return nil, nil, err
	}
	key := string(text)
	value, _, err := connections.LoadOrNew(key, func() (caddy.Destructor, error) { return connect(n.resolved, n.tls) })
	if err != nil {
		return nil, nil, fmt.Errorf("cluster nats: %w", err)
	}
	return value.(*natsEngine), sync.OnceFunc(func() { _, _ = connections.Delete(key) }), nil
}

// Region implements Module.
func (n *NATS) Region() string { return n.resolved.NodeRegion }
