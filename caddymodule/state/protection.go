package state

import (
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/response"
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
	if g.RequiresTLS(path) {
		all = append(all, relay.ProtectedByTLS)
	}
	return all
}

// RequiresTLS reports whether listeners of a mount are served over HTTPS only: by its settings,
// or those of the master that decides on its listeners.
func (g *Generation) RequiresTLS(path string) bool {
	return g.Policy(path).Engine.RequireTLS ||
		g.Gate.AsksMaster(path) && slices.Contains(g.relays.Required(path), relay.ProtectedByTLS)
}

// IsProtected reports whether only some listeners may hear a mount: they are authenticated here,
// or only some clients are allowed. They may be sent to nodes that ask this one about them.
func (g *Generation) IsProtected(path string) bool {
	return g.Gate.Module(path) != nil || g.Access.IsRestricted()
}

// RegionOf returns the region whose slaves a listener is sent to first; empty: none.
func (g *Generation) RegionOf(r *http.Request) string {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok || g.PreferRegion == "" {
		return ""
	}
	return repl.ReplaceAll(g.PreferRegion, "")
}

// Missing returns those of some protections that a mount does not have here.
func (g *Generation) Missing(path string, required []relay.Protection) []relay.Protection {
	if g.Gate.MayAskMaster(path) {
		return slices.DeleteFunc(slices.Clone(required), relay.Protection.IsKnown) // the master decides
	}
	own := g.Protections(path)
	return slices.DeleteFunc(slices.Clone(required), func(p relay.Protection) bool { return slices.Contains(own, p) })
}

// Withheld returns the mounts that this station does not pull as a slave, since its masters
// protect them and it does not. The texts are what is missing here: auth, allow or tls, with
// commas between them.
func (st *Station) Withheld() map[string]string {
	all := make(map[string]string)
	for mount, missing := range st.relays.Withheld() {
		all[mount] = response.Printable(relay.JoinProtections(missing))
	}
	return all
}
