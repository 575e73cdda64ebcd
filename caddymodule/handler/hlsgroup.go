package handler

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming/hls"
	"github.com/caddycast/caddycast/streaming/hls/origin"
)

// variant is a mount of a group that a listener may choose.
type variant struct {
	*listenerRequest
	mount *origin.Mount
	page  *hls.Page // nil: there is no list yet
	live  bool
}

// serveHLSGroup answers with the multivariant playlist of a group: the mounts that the listener may
// hear, and that are live. Who may listen is asked for each.
func (h *Handler) serveHLSGroup(w http.ResponseWriter, r *request.Facts, g *state.HLSGroup) error {
	behind, err := hlsBehind(r.URL.Query())
	if err != nil {
		return err
	}
	long := r.URL.Query().Has(hlsLong) && h.canRewind(g)
	id := r.URL.Query().Get(hlsSession)
	plays := slices.ContainsFunc(g.Mounts, func(path string) bool { return h.groupOf(path, id) == g && h.playsHLS(path, id) })
	var all []*variant
	var refused error
	for _, path := range g.Mounts {
		v := &variant{listenerRequest: h.newListenerRequest(r, path)}
		defer v.releaseAdmission()
		var err error
		switch {
		case !plays:
			err = cmp.Or(h.enterHLS(v.listenerRequest))
		case h.groupOf(path, id) == g:
			err = h.checkHLS(v.listenerRequest)
		default: // it was refused, or off, when the session began
			continue
		}
		if err != nil {
			refused = cmp.Or(refused, err)
			continue
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		return refused
	}
	if all = h.awaitVariants(r.Context(), all, long); len(all) == 0 {
		return response.Refuse(http.StatusServiceUnavailable, "There is nothing to hear on "+response.Printable(g.Path)+" now").With("Retry-After", hlsRetry)
	}
	h.warnOfContainers(g, all)
	if slices.ContainsFunc(all, func(v *variant) bool { return !h.isCached(v.listenerRequest) }) {
		if !plays {
			if id, err = h.newGroupSession(g, all); err != nil {
				return err
			}
		}
	} else {
		id = ""
		w.Header().Set("Cache-Control", cacheControl(all[0].listenerRequest))
	}
	var listed []hls.Variant
	up := "." + strings.Repeat("/..", strings.Count(g.Path, "/")-1)
	start := all[0].page.Start(behind)
	for _, v := range all {
		uri := up + mountpath.Escape(v.path) + mountpath.HLSFolder + nameOfList(long) + listQuery(id, start)
		listed = append(listed, hls.Variant{Page: v.page, URI: uri})
	}
	return response.Answer(w, r.Request, http.StatusOK, hls.PlaylistType, hls.Entry(g.Name, start, listed...))
}

// canRewind reports whether all mounts of a group have a long list: players change between lists of one
// kind only.
func (h *Handler) canRewind(g *state.HLSGroup) bool {
	return !slices.ContainsFunc(g.Mounts, func(path string) bool { return h.station.Policy(path).HLS.Rewind == 0 })
}

// awaitVariants returns the variants that have a list: as soon as all have one that are live, or what
// there is in the end.
func (h *Handler) awaitVariants(ctx context.Context, all []*variant, long bool) []*variant {
	ctx, cancel := context.WithTimeout(ctx, hlsWait)
	defer cancel()
	for {
		changes := origin.NewChanges(ctx)
		var ready []*variant
		waits, live := false, false
		for _, v := range all {
			unsupported := h.look(v, long, changes)
			if v.page != nil {
				ready, live = append(ready, v), live || v.live
			}
			waits = waits || v.live && v.page == nil && !unsupported
		}
		if live && !waits || ctx.Err() != nil {
			return slices.DeleteFunc(ready, func(v *variant) bool { return live && !v.live })
		}
		changes.Await()
	}
}

// look looks for the list of a variant, or the long one, and reports whether its stream has no carrier. What
// comes after that is among the changes.
func (h *Handler) look(v *variant, long bool, changes *origin.Changes) (unsupported bool) {
	if v.mount = h.station.HLS().Open(v.path); v.mount != nil {
		changes.Of(v.mount)
	}
	m := h.station.Mount(v.path)
	v.live = m != nil && m.Heard() != ""
	if v.mount == nil {
		return false
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	page, err := v.mount.Await(now, long)
	v.page = page
	_, unsupported = errors.AsType[*origin.UnsupportedError](err)
	return unsupported
}

// warnOfContainers logs that players may be unable to change between the variants, once for a configuration.
func (h *Handler) warnOfContainers(g *state.HLSGroup, all []*variant) {
	differs := func(v *variant) bool { return v.page.IsFragmented() != all[0].page.IsFragmented() }
	if slices.ContainsFunc(all, differs) && g.Mixed.CompareAndSwap(false, true) {
		h.station.Logger().Warn("mounts of an HLS group have different containers; many players can't change between them", zap.String("mount", g.Path))
	}
}

// newGroupSession returns the id of a session that may change between variants: that of the group,
// signed for these, a dot, and a number whose bits are the mounts of the group that they are.
func (h *Handler) newGroupSession(g *state.HLSGroup, all []*variant) (string, error) {
	var bits uint64
	var valid time.Duration
	for _, v := range all {
		bits |= 1 << slices.Index(g.Mounts, v.path)
		if t := v.validity(); t > 0 && (valid == 0 || t < valid) {
			valid = t
		}
	}
	id := h.station.HLS().NewID(groupScope(g, bits), valid) + "." + strconv.FormatUint(bits, 16)
	for i, v := range all {
		if err := h.expect(v.listenerRequest, v.mount, id); err != nil {
			for _, before := range all[:i] {
				before.mount.Forget(id)
			}
			return "", err
		}
	}
	return id, nil
}

// groupScope returns what an id of a group is signed for: the mounts that were admitted, by their names,
// so that it is worth nothing for others after a reload.
func groupScope(g *state.HLSGroup, bits uint64) string {
	scope := []string{g.Path}
	for i, path := range g.Mounts {
		if bits&(1<<i) != 0 {
			scope = append(scope, path)
		}
	}
	return strings.Join(scope, "\n")
}

// groupOf returns the group that an id admits to a mount by; nil: none.
func (h *Handler) groupOf(mount, id string) *state.HLSGroup {
	id, text, ok := strings.Cut(id, ".")
	bits, err := strconv.ParseUint(text, 16, state.MaxHLSGroup)
	if !ok || err != nil || text != strconv.FormatUint(bits, 16) {
		return nil
	}
	for _, g := range h.station.HLSGroups {
		if i := slices.Index(g.Mounts, mount); i >= 0 && bits&(1<<i) != 0 && h.station.HLS().IsID(groupScope(g, bits), id) {
			return g
		}
	}
	return nil
}

// keepVariants keeps the lists of a group going while one of them is played, so that players can change
// to another at once. The group may be nil.
func (h *Handler) keepVariants(g *state.HLSGroup, played string) {
	if g == nil {
		return
	}
	for _, path := range g.Mounts {
		if path != played && h.station.Mount(path) != nil {
			h.station.HLS().Open(path)
		}
	}
}

// moveHLSSession ends a session at the mounts of its group that it does not play any more. The group
// may be nil.
func (h *Handler) moveHLSSession(g *state.HLSGroup, q *listenerRequest, to *origin.Mount, id string) error {
	if g == nil {
		return nil
	}
	for _, path := range g.Mounts {
		from := h.station.HLS().Mount(path)
		if path == q.path || from == nil {
			continue
		}
		if err := to.MoveFrom(from, id); err != nil {
			return errHLSOver()
		}
	}
	return nil
}
