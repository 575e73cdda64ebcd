package state

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/streaming/relay"
)

// Protections returns how a mount is protected here, none if it is served to everybody.
func (g *Generation) Protections(path string) (all []relay.Protection) {
	if g.Gate.DecidesOnListeners(path) {
		all = append(all, relay.ProtectedByAuth)
	}
	if g.Access.IsRestricted() {
		all = append(all, relay.ProtectedByAllow)
	}
	if g.Policy(path).Engine.RequireTLS {
		all = append(all, relay.ProtectedByTLS)
	}
	return all
}

// MayRedirect reports whether listeners of a mount may be sent to other nodes: not if they are
// authenticated here, or only some are allowed, since another node may not know them.
func (g *Generation) MayRedirect(path string) bool {
	return g.Gate.Module(path) == nil && !g.Access.IsRestricted()
}

// marks writes protections as they stand on the list for slaves.
func marks(all []relay.Protection) string {
	var texts []string
	for _, p := range all {
		texts = append(texts, string(p))
	}
	return strings.Join(texts, ",")
}

// withheld are the mounts that this station does not pull as a slave, since its masters protect
// them and it does not.
type withheld struct {
	mu     sync.Mutex
	mounts map[string]string // what is missing, by mount
}

// MayServe reports whether a mount that a master protects is protected here in the same ways. A
// mount that is not is written to the log once.
func (g *Generation) MayServe(path string, required []relay.Protection) bool {
	own := g.Protections(path)
	missing := slices.DeleteFunc(slices.Clone(required), func(p relay.Protection) bool { return slices.Contains(own, p) })
	g.withheld.mu.Lock()
	defer g.withheld.mu.Unlock()
	text := marks(missing)
	if text == "" {
		delete(g.withheld.mounts, path)
		return true
	}
	if g.withheld.mounts[path] != text {
		g.Log.Warn("mount of a master not pulled, its protection is missing here",
			zap.String("mount", path), zap.String("missing", text))
	}
	if g.withheld.mounts == nil {
		g.withheld.mounts = make(map[string]string)
	}
	g.withheld.mounts[path] = text
	return false
}

// Withheld returns the mounts that MayServe has refused, and what is missing: auth, allow or
// tls, with commas between them.
func (g *Generation) Withheld() map[string]string {
	g.withheld.mu.Lock()
	defer g.withheld.mu.Unlock()
	return maps.Clone(g.withheld.mounts)
}
