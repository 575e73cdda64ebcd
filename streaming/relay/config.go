package relay

import (
	"slices"
	"time"
)

// Config describes one relay: a mount that is pulled from another server.
type Config struct {
	Mount     string
	Upstreams []Upstream // at least one, the preferred one first

	OnDemand    bool // pull only while the mount has listeners
	NoMetadata  bool // do not request titles
	PreferFirst bool // return to a better upstream once it answers again

	// Timeout is how long an upstream has to answer; 0: DefaultTimeout.
	Timeout time.Duration

	mirrored    bool         // created by a slave from the lists of its masters, or by a peer
	isPeers     bool         // of other nodes of a cluster
	protections []Protection // of the mount at those masters
}

func (c *Config) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return DefaultTimeout
}

// keeps reports whether a connection to u, opened with or without titles, fits this
// configuration.
func (c *Config) keeps(u Upstream, noMetadata bool) bool {
	return c.NoMetadata == noMetadata && slices.ContainsFunc(c.Upstreams, u.same)
}

// same reports whether two configurations are equal.
func (c *Config) same(o *Config) bool {
	return c.Mount == o.Mount && c.OnDemand == o.OnDemand && c.NoMetadata == o.NoMetadata &&
		c.PreferFirst == o.PreferFirst && c.Timeout == o.Timeout && c.mirrored == o.mirrored && c.isPeers == o.isPeers &&
		slices.EqualFunc(c.Upstreams, o.Upstreams, Upstream.same)
}
