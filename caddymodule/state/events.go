package state

import (
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// announce passes an event to the event log and to the hooks. An empty mount means that the
// event is one of the station. It never blocks, and may be called under any lock.
func (st *Station) announce(name hooks.Name, mount string, fields ...hooks.Field) {
	st.announceAt(time.Now(), name, mount, fields...)
}

func (st *Station) announceAt(at time.Time, name hooks.Name, mount string, fields ...hooks.Field) {
	e := st.newEvent(at, name, mount, fields...)
	st.events.add(e)
	st.hooks.Dispatch(e)
}

func (st *Station) newEvent(at time.Time, name hooks.Name, mount string, fields ...hooks.Field) *hooks.Event {
	e := hooks.NewEvent(name, mount, fields...)
	e.Time, e.Node, e.Station = at, st.node, st.name
	return e
}

// isObserved reports whether an event has a reader: the event log or a hook.
func (st *Station) isObserved(name hooks.Name, mount string) bool {
	return st.events.keeps(name) || st.hooks.HasHooks(name, mount)
}

// noticed announces a notice of the engine.
func (st *Station) noticed(n streaming.Notice) {
	switch n.Kind {
	case streaming.MetadataUpdated:
		st.titled(n.Mount, n.Metadata)
	case streaming.SourceTooFast:
		st.Logger().Warn("source sends faster than real time", zap.String("mount", n.Mount.Path), zap.String("client_ip", n.Source.Addr))
		return // no event
	case streaming.SourceConnected, streaming.ListenerAdded:
		st.came(n)
		return
	case streaming.SourceAdopted, streaming.ListenerAdopted:
		st.stays(n)
		return
	case streaming.SourceDisconnected:
		st.sourceGone(n)
		return
	}
	name := eventNames[n.Kind]
	if !st.isObserved(name, n.Mount.Path) {
		return
	}
	var fields hooks.Fields
	switch n.Kind {
	case streaming.MetadataUpdated:
		fields = hooks.Fields{
			hooks.Text("artist", n.Metadata.Artist),
			hooks.Text("title", n.Metadata.Title),
			hooks.Text("song", n.Metadata.Song()),
			hooks.Text("url", n.Metadata.URL),
		}
	case streaming.FallbackEngaged, streaming.FallbackReleased:
		fields = hooks.Fields{
			hooks.Text("from", fallback.Label(n.From)),
			hooks.Text("to", fallback.Label(n.To)),
			hooks.Count("listeners", n.Mount.Stats().Listeners),
		}
	case streaming.MountFull:
		fields = hooks.Fields{
			hooks.Count("listeners", n.Mount.Stats().Listeners),
			hooks.Count("max_listeners", n.Mount.Settings().MaxListeners),
			hooks.Text("reason", n.Cause.Error()),
		}
	}
	st.announceAt(n.At, name, n.Mount.Path, fields...)
}

// eventNames are the names of the events for the engine's other notices.
var eventNames = map[streaming.NoticeKind]hooks.Name{
	streaming.MetadataUpdated:  hooks.MetadataUpdated,
	streaming.FallbackEngaged:  hooks.FallbackEngaged,
	streaming.FallbackReleased: hooks.FallbackReleased,
	streaming.MountFull:        hooks.MountFull,
}

// announceRelay announces an event of a relay, a master or a slave.
func (st *Station) announceRelay(e relay.Event) {
	upstream, slave, reason := hooks.Text("upstream", e.Upstream), hooks.Text("slave", e.Slave), hooks.Text("reason", e.Cause)
	switch e.Kind {
	case relay.Up:
		st.announce(hooks.RelayUp, e.Mount, upstream)
	case relay.Down:
		st.announce(hooks.RelayDown, e.Mount, upstream, reason, hooks.Seconds("duration", e.Duration))
	case relay.SlaveJoined:
		st.announce(hooks.SlaveJoined, "", slave)
	case relay.SlaveLeft:
		st.announce(hooks.SlaveLeft, "", slave, reason)
	}
}
