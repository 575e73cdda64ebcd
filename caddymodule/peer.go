package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/engine"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/streaming/relay"
)

// Peer is a station that is a node of a cluster: it takes sources, serves the mounts of all nodes, and
// has no master.
type Peer struct {
	// The base URLs of this node for listeners, one of http, one of https or both.
	// Default: none, the other nodes redirect no listeners to this node.
	Public []string `json:"public,omitempty"`

	// The base URL of this node for other nodes, which pull streams there. Default: `public`.
	Internal []string `json:"internal,omitempty"`

	// The mounts of other nodes to offer: paths and patterns. Default: all.
	Mounts []string `json:"mounts,omitempty"`

	// Which listeners are redirected to other nodes: `off`, none; `when_full`, those beyond a
	// limit of this station; `balance`, so many that all nodes have the same part of their room
	// left. Default: `off`.
	Redirect state.Redirect `json:"redirect,omitempty"`

	// Patterns of user agents that are not redirected, such as `Sonos*`.
	RedirectExcept []string `json:"redirect_except,omitempty"`

	// The region whose nodes a listener is sent to first, by a placeholder of the request, such
	// as `{geoip2.country_code}`. Default: none.
	PreferRegion string `json:"prefer_region,omitempty"`

	// How many nodes may pull one mount from this node. Others pull it from one of those.
	// Default: 50.
	Fanout int `json:"fanout,omitempty"`

	// Of the sources at this node. Where the node of another source of a mount has a lower
	// priority, a source at this node replaces it. Default: 0.
	Priority int `json:"priority,omitempty"`
}

// maxFanout bounds the nodes that pull one mount from a node.
const maxFanout = 10000

// parse parses the block of the role.
//
//	role peer {
//		public        <url>...
//		internal      <url>
//		mounts        <pattern>...
//		redirect      off|when_full|balance [except <agent>...]
//		prefer_region <placeholder>
//		fanout        <number>
//		priority      <number>
//	}
func (p *Peer) parse(d *caddyfile.Dispenser) error {
	steering := new(Master)
	if err := setting.ParseBlock(d, "role peer", setting.Directives{
		"public":        setting.Texts(d, &p.Public, "https://edge1.example.org"),
		"internal":      setting.Texts(d, &p.Internal, "http://10.1.2.3:8000"),
		"mounts":        setting.Texts(d, &p.Mounts, "/live*"),
		"redirect":      func() error { return steering.parseRedirect(d) },
		"prefer_region": func() error { return steering.parsePreferRegion(d) },
		"fanout":        setting.Count(d, &p.Fanout),
		"priority":      setting.Count(d, &p.Priority),
	}); err != nil {
		return err
	}
	p.Redirect, p.RedirectExcept, p.PreferRegion = steering.Redirect, steering.RedirectExcept, steering.PreferRegion
	return setting.WrapErr(d, p.validate())
}

func (p *Peer) validate() error {
	if p == nil {
		return nil
	}
	err := func() error {
		if len(p.Public) == 0 && len(p.Internal) == 0 {
			return errors.New("neither public nor internal; expected a URL at which the other nodes reach this one, such as internal http://10.1.2.3:8000")
		}
		for _, base := range p.Public {
			if err := checkBase("public", base); err != nil {
				return err
			}
		}
		for _, base := range p.Internal {
			if err := checkBase("internal", base); err != nil {
				return err
			}
		}
		if len(p.Internal) > 1 {
			return fmt.Errorf("internal: %d URLs; expected one", len(p.Internal))
		}
		for _, pattern := range p.Mounts {
			if _, err := path.Match(pattern, "/"); err != nil || !strings.HasPrefix(pattern, "/") {
				return fmt.Errorf("mounts %q: invalid pattern; expected a mount or a pattern such as /live*", pattern)
			}
		}
		if !slices.Contains([]state.Redirect{"", state.RedirectOff, state.RedirectWhenFull, state.RedirectBalance}, p.Redirect) {
			return fmt.Errorf("redirect %q: unknown; expected off, when_full or balance", p.Redirect)
		}
		if slices.Contains(p.RedirectExcept, "") {
			return errors.New("redirect except: empty pattern; expected that of a user agent, such as Sonos*")
		}
		return cmp.Or(setting.CheckRange("fanout", p.Fanout, maxFanout), setting.CheckRange("priority", p.Priority, cluster.MaxPriority))
	}()
	if err != nil {
		return fmt.Errorf("role peer: %w", err)
	}
	return nil
}

// checkPeer returns an error for a role that does not fit the cluster, or another role.
func (s *Station) checkPeer() error {
	switch {
	case s.Peer == nil && s.ClusterRaw != nil:
		return s.places.Wrap(&s.ClusterRaw, errors.New("cluster: no role peer; expected one, with a URL at which the other nodes reach this one"))
	case s.Peer != nil && s.ClusterRaw == nil:
		return s.places.Wrap(s.Peer, errors.New("role peer: no cluster; expected one, such as cluster nats nats://n1.example.org:4222"))
	case s.Peer != nil && s.Slave != nil:
		return s.places.Wrap(s.Peer, errors.New("role peer: there is role slave, too; expected one of them"))
	case s.Peer != nil && s.Master != nil:
		return s.places.Wrap(s.Peer, errors.New("role peer: there is role master, too; expected one of them: a peer has redirect itself"))
	}
	return nil
}

// settings translates the role for the relays.
func (p *Peer) settings(missing func(string, []relay.Protection) []relay.Protection) (*relay.SlaveConfig, error) {
	public, err := bases("public", p.Public)
	if err != nil {
		return nil, err
	}
	return &relay.SlaveConfig{IsPeer: true, OnDemand: true, Mounts: p.Mounts, Public: public, Missing: missing}, nil
}

// bases checks URLs whose placeholders are replaced.
func bases(word string, texts []string) (all []string, err error) {
	for _, text := range texts {
		base, err := relay.ParseBaseURL(text)
		if err != nil {
			return nil, fmt.Errorf("role peer: %s %w", word, err)
		}
		all = append(all, base)
	}
	return all, nil
}

// peering returns how the station is a node of a cluster; nil: it is none.
func (s *Station) peering(ctx caddy.Context) (*state.Peering, error) {
	if s.Peer == nil || s.ClusterRaw == nil {
		return nil, nil
	}
	internal, err := bases("internal", s.Peer.Internal)
	if err != nil {
		return nil, err
	}
	if len(internal) == 0 {
		if internal, err = bases("public", s.Peer.Public); err != nil {
			return nil, err
		}
	}
	loaded, err := ctx.LoadModule(s, "ClusterRaw")
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	module, ok := loaded.(engine.Module)
	if !ok {
		return nil, fmt.Errorf("cluster: %T does not implement engine.Module; expected another module", loaded)
	}
	return &state.Peering{
		Acquire: module.Acquire,
		Config:  cluster.Config{Region: module.Region(), Fanout: s.Peer.Fanout, Internal: internal, Priority: s.Peer.Priority},
	}, nil
}
