package ban

import (
	"net/netip"

	"github.com/gaissmai/bart"

	"github.com/caddycast/caddycast/caddymodule/access"
)

// index finds the bans in force. It does not change.
type index struct {
	networks *bart.Table[*Ban] // nil: none
	patterns *access.Agents    // nil: none
	agents   []agentBan
	users    map[string]*Ban
}

type agentBan struct {
	pattern *access.Agents
	ban     *Ban
}

// newIndex returns the index of some bans; nil: there are none.
func newIndex(all []*Ban) *index {
	if len(all) == 0 {
		return nil
	}
	x := &index{users: make(map[string]*Ban)}
	var patterns []string
	for _, b := range all {
		switch b.Kind {
		case User:
			x.users[b.Value] = b
		case Agent:
			patterns = append(patterns, b.Value)
			x.agents = append(x.agents, agentBan{access.NewAgents([]string{b.Value}), b})
		default:
			x.addNetwork(b)
		}
	}
	if len(patterns) > 0 {
		x.patterns = access.NewAgents(patterns)
	}
	return x
}

// addNetwork adds a ban of an address or a network. Of two for the same addresses the longer one counts.
func (x *index) addNetwork(b *Ban) {
	p, ok := b.prefix()
	if !ok {
		return
	}
	if x.networks == nil {
		x.networks = new(bart.Table[*Ban])
	}
	if other, there := x.networks.Get(p); there && (other.Until.IsZero() || !b.Until.IsZero() && b.Until.Before(other.Until)) {
		return
	}
	x.networks.Insert(p, b)
}

// find returns a ban of a client, nil if there is none.
func (x *index) find(ip netip.Addr, agent, user string) *Ban {
	if x.networks != nil && ip.IsValid() {
		if b, ok := x.networks.Lookup(ip.Unmap().WithZone("")); ok {
			return b
		}
	}
	if user != "" {
		if b := x.users[user]; b != nil {
			return b
		}
	}
	if agent != "" && x.patterns.Matches(agent) {
		for _, a := range x.agents {
			if a.pattern.Matches(agent) {
				return a.ban
			}
		}
	}
	return nil
}
