package access

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Clients are clients by their addresses or their programs.
type Clients struct {
	// Addresses, such as 192.0.2.7, and networks, such as 192.0.2.0/24 or
	// 192.0.2.*. Behind a proxy the client's address counts if `trusted_proxies`
	// names the proxy. Default: none.
	IPs []string `json:"ips,omitempty"`

	// Files of addresses and networks, one per line, as Icecast's `deny-ip` and
	// `allow-ip`. Lines that begin with # are comments. Changed files are read
	// again. Default: none.
	IPFiles []string `json:"ip_files,omitempty"`

	// Patterns of user agents of listeners, with * for any characters and ? for
	// one. Case does not matter. Default: none.
	Agents []string `json:"agents,omitempty"`

	// Files of user agents, one per line, as Icecast-KH's `deny-agents`. Default: none.
	AgentFiles []string `json:"agent_files,omitempty"`
}

// IsRestricting reports whether there is a rule.
func (c *Clients) IsRestricting() bool {
	return c != nil && len(c.IPs)+len(c.IPFiles)+len(c.Agents)+len(c.AgentFiles) > 0
}

// Parse parses deny or allow, which may be repeated.
//
//	deny|allow <address>...
//	deny|allow agent <pattern>...
//	deny|allow file <path>...
//	deny|allow agent_file <path>...
func Parse(d *caddyfile.Dispenser, to **Clients) error {
	directive, args := d.Val(), d.RemainingArgs()
	if *to == nil {
		*to = new(Clients)
	}
	c, kind := *to, ""
	if len(args) > 0 {
		kind = args[0]
	}
	list := &c.IPs
	switch kind {
	case "file":
		list = &c.IPFiles
	case "agent":
		list = &c.Agents
	case "agent_file":
		list = &c.AgentFiles
	}
	if list != &c.IPs {
		args = args[1:]
	}
	if len(args) == 0 {
		return d.Errf("%s: missing value; expected addresses or networks such as 192.0.2.0/24, agent and patterns such as Bad*, "+
			"file and the path of a list of addresses, or agent_file and that of a list of patterns", directive)
	}
	*list = append(*list, args...)
	if err := c.validate(); err != nil {
		return d.Errf("%s: %w", directive, err)
	}
	return nil
}

// validate refuses invalid addresses and empty texts.
func (c *Clients) validate() error {
	if c == nil {
		return nil
	}
	for _, text := range c.IPs {
		if _, err := ParseNetwork(text); err != nil {
			return err
		}
	}
	for what, list := range map[string][]string{"agent": c.Agents, "file": c.IPFiles, "agent_file": c.AgentFiles} {
		if slices.Contains(list, "") {
			return fmt.Errorf("empty %s; expected a value", what)
		}
	}
	return nil
}

// errNotAnAddress is the reason of an invalid address.
var errNotAnAddress = errors.New("expected an address such as 192.0.2.7, or a network such as 192.0.2.0/24, 192.0.2.* or 2001:db8::/32")
