// Package access decides by address and user agent which clients a station allows.
//
// A List has the deny and the allow rules of one configuration: addresses and networks,
// patterns of user agents, and files of both, which are read again when they change. Of the
// networks of an address the most specific one decides; of two equal ones deny does. If
// there is any allow rule, clients that match nothing are refused.
//
// A List does not change and may be used from any goroutine. Checks return a refusal; they
// never write an answer, resolve no host names and block at most for one read of a file.
package access

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/internal/filewatch"
)

// List decides which clients are allowed. The zero value allows all.
type List struct {
	deny, allow rules
}

// New returns the list of denied and allowed clients; either may be nil. Files are read now,
// and again when they change.
func New(deny, allow *Clients, log *zap.Logger) (List, error) {
	for directive, c := range map[string]*Clients{"deny": deny, "allow": allow} {
		if err := c.validate(); err != nil {
			return List{}, fmt.Errorf("%s: %w", directive, err)
		}
	}
	return List{newRules("deny", deny, log), newRules("allow", allow, log)}, nil
}

// IsRestricted reports whether only some clients are allowed: there is an allow rule.
func (l *List) IsRestricted() bool { return l.allow.limitsIPs || l.allow.limitsAgents }

// CheckListener returns a refusal if a listener with a user agent is not allowed.
func (l *List) CheckListener(ip netip.Addr, agent string) error {
	if l.deny.hasAgent(agent) || l.allow.limitsAgents && !l.allow.hasAgent(agent) {
		return errDenied()
	}
	return l.CheckAddress(ip)
}

// CheckAddress returns a refusal if no request is allowed from an address, which is the zero
// value on a Unix socket. An address that no rule matches is allowed, unless there is an
// allow rule for addresses.
func (l *List) CheckAddress(ip netip.Addr) error {
	if !l.deny.limitsIPs && !l.allow.limitsIPs {
		return nil
	}
	denied, allowed := l.deny.network(ip), l.allow.network(ip)
	if allowed > denied || allowed < 0 && denied < 0 && !l.allow.limitsIPs {
		return nil
	}
	return errDenied()
}

// ErrDenied is the cause of the refusal of a client that is not allowed.
var ErrDenied = errors.New("not allowed")

func errDenied() error {
	return response.Refuse(http.StatusForbidden, "You are not allowed here").Because(ErrDenied)
}

// rules are the clients of a directive.
type rules struct {
	limitsIPs, limitsAgents bool

	nets       *networks
	netFiles   []*filewatch.File[*networks]
	agents     agents
	agentFiles []*filewatch.File[*agents]
}

func newRules(directive string, c *Clients, log *zap.Logger) rules {
	if c == nil {
		return rules{nets: new(networks)}
	}
	l := rules{
		limitsIPs:    len(c.IPs)+len(c.IPFiles) > 0,
		limitsAgents: len(c.Agents)+len(c.AgentFiles) > 0,
		nets:         new(networks),
	}
	for _, text := range c.IPs {
		if n, err := ParseNetwork(text); err == nil { // they have been validated
			l.nets.add(n)
		}
	}
	for _, pattern := range c.Agents {
		l.agents.add(pattern)
	}
	for _, path := range c.IPFiles {
		file, err := filewatch.Open(path, log, new(networks), networksReader(log))
		setting.WarnMissing(log, "", directive+" file", setting.Found{Err: err})
		l.netFiles = append(l.netFiles, file)
	}
	for _, path := range c.AgentFiles {
		file, err := filewatch.Open(path, log, new(agents), readAgents)
		setting.WarnMissing(log, "", directive+" agent_file", setting.Found{Err: err})
		l.agentFiles = append(l.agentFiles, file)
	}
	return l
}

// network returns the length of the most specific network of an address, -1 if there is
// none.
func (l *rules) network(ip netip.Addr) int {
	best := l.nets.find(ip)
	for _, f := range l.netFiles {
		best = max(best, f.Get().find(ip))
	}
	return best
}

func (l *rules) hasAgent(agent string) bool {
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
