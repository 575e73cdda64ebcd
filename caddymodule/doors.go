package caddymodule

import (
	"fmt"
	"net/http"
	"net/netip"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/internal/filewatch"
	"go.uber.org/zap"
)

// doors tell who is let in. The zero value lets everybody in.
type doors struct {
	deny, allow clientList
}

func (d *doors) provision(s *Station, log *zap.Logger) error {
	for word, c := range map[string]*Clients{"deny": s.Deny, "allow": s.Allow} {
		if err := c.validate(); err != nil {
			return fmt.Errorf("%s: %w", word, err)
		}
	}
	d.deny, d.allow = newClientList(s.Deny, log), newClientList(s.Allow, log)
	return nil
}

// admits tells whether a listener is let in.
func (d *doors) admits(r *http.Request) bool {
	agent := r.UserAgent()
	return d.admitsAddress(r) && !d.deny.hasAgent(agent) && (!d.allow.limitsAgents || d.allow.hasAgent(agent))
}

// admitsAddress tells whether anything is let in from where a request comes: what is
// neither allowed nor denied is, unless some are allowed.
func (d *doors) admitsAddress(r *http.Request) bool {
	if !d.deny.limitsIPs && !d.allow.limitsIPs {
		return true
	}
	ip, _ := netip.ParseAddr(response.ClientIP(r)) // there is none at a Unix socket
	denied, allowed := d.deny.network(ip), d.allow.network(ip)
	if allowed < 0 {
		return denied < 0 && !d.allow.limitsIPs
	}
	return allowed > denied
}

// denied answers who is not let in.
func denied(w http.ResponseWriter, r *http.Request) error {
	return response.Refuse(w, r, http.StatusForbidden, "You are not allowed here")
}

// clientList is what Clients name.
type clientList struct {
	limitsIPs, limitsAgents bool

	nets       networks
	netFiles   []*filewatch.File[networks]
	agents     agents
	agentFiles []*filewatch.File[*agents]
}

func newClientList(c *Clients, log *zap.Logger) clientList {
	if c == nil {
		return clientList{}
	}
	l := clientList{
		limitsIPs:    len(c.IPs)+len(c.IPFiles) > 0,
		limitsAgents: len(c.Agents)+len(c.AgentFiles) > 0,
		nets:         make(networks),
	}
	for _, text := range c.IPs {
		if n, err := parseNetwork(text); err == nil { // they have been validated
			l.nets.add(n)
		}
	}
	for _, pattern := range c.Agents {
		l.agents.add(pattern)
	}
	for _, path := range c.IPFiles {
		l.netFiles = append(l.netFiles, filewatch.New(path, log, networks(nil), networksReader(log)))
	}
	for _, path := range c.AgentFiles {
		l.agentFiles = append(l.agentFiles, filewatch.New(path, log, new(agents), readAgents))
	}
	return l
}

// network returns the length of the longest prefix in the list that an address has, -1
// if there is none.
func (l *clientList) network(ip netip.Addr) int {
	best := l.nets.find(ip)
	for _, f := range l.netFiles {
		best = max(best, f.Get().find(ip))
	}
	return best
}

func (l *clientList) hasAgent(agent string) bool {
	if l.agents.match(agent) {
		return true
	}
	for _, f := range l.agentFiles {
		if f.Get().match(agent) {
			return true
		}
	}
	return false
}
