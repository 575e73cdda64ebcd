package access

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Clients are programs and places that requests come from.
type Clients struct {
	// Addresses, such as 192.0.2.7, and networks, such as 192.0.2.0/24 or
	// 192.0.2.*. Behind a proxy it is the client's address that counts, if
	// `trusted_proxies` names the proxy.
	IPs []string `json:"ips,omitempty"`

	// Files of addresses and networks, one a line, as Icecast's `deny-ip` and
	// `allow-ip`. Lines that begin with # are left out. They are read again when
	// they change.
	IPFiles []string `json:"ip_files,omitempty"`

	// User agents of listeners, in which a star stands for any characters and a
	// question mark for one. Case does not matter.
	Agents []string `json:"agents,omitempty"`

	// Files of user agents, one a line, as Icecast-KH's `deny-agents`.
	AgentFiles []string `json:"agent_files,omitempty"`
}

// Parse parses a line of deny or allow. There may be several.
//
//	deny|allow <address>...
//	deny|allow agent <pattern>...
//	deny|allow file <path>...
//	deny|allow agent_file <path>...
func Parse(d *caddyfile.Dispenser, to **Clients) error {
	word, args := d.Val(), d.RemainingArgs()
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
		return d.Errf("%s: write addresses or networks such as 192.0.2.0/24, agent and patterns such as Bad*, file and the path of a file of addresses, "+
			"or agent_file and that of a file of patterns", word)
	}
	*list = append(*list, args...)
	if err := c.validate(); err != nil {
		return d.Errf("%s: %w", word, err)
	}
	return nil
}

// validate refuses what is no address, and what is empty.
func (c *Clients) validate() error {
	if c == nil {
		return nil
	}
	for _, text := range c.IPs {
		if _, err := parseNetwork(text); err != nil {
			return err
		}
	}
	for what, list := range map[string][]string{"a pattern": c.Agents, "the path of a file": c.IPFiles, "the path of a file of agents": c.AgentFiles} {
		if slices.Contains(list, "") {
			return fmt.Errorf("%s is empty", what)
		}
	}
	return nil
}

// errNotAnAddress says what would be right.
var errNotAnAddress = errors.New("write an address such as 192.0.2.7, or a network such as 192.0.2.0/24, 192.0.2.* or 2001:db8::/32")
