package state

import (
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/blocklog"
	"go.uber.org/zap"
)

// listenerEnded announces that a listener is gone, and writes its access line to the log "icecast.access".
// The server's own access log can't: to it the request was over when it began.
func (l *Station) listenerEnded(who *streaming.Listener) {
	if !who.Client.Slave {
		l.listenerRemoved(who)
	}
	entry := l.Logger().Named("access").Check(zap.InfoLevel, "listener")
	if entry == nil {
		return
	}
	fields := []zap.Field{
		zap.String("mount", who.Mount().Path),
		zap.Uint64("id", who.ID),
		zap.String("client_ip", request.AddressText(who.Client.IP)), // a text, so that Caddy's filters can mask or hash it
		zap.String("proto", who.Client.Protocol),
		zap.Bool("tls", who.Client.Encrypted),
		zap.String("user_agent", who.Client.Agent),
		zap.Uint64("bytes", who.Sent()),
		zap.Duration("duration", time.Since(who.Since)),
		zap.Stringer("reason", who.Reason()),
	}
	if who.Client.Referer != "" {
		fields = append(fields, zap.String("referer", who.Client.Referer))
	}
	if who.Client.User != "" {
		fields = append(fields, zap.String("user_id", who.Client.User))
	}
	entry.Write(fields...)
}

// titled writes a line of the playlist, to the log "icecast.playlist".
func (l *Station) titled(m *streaming.Mount, meta *blocklog.Metadata) {
	if song := meta.Song(); song != "" {
		l.Logger().Named("playlist").Info("title",
			zap.String("mount", m.Path), zap.Int64("listeners", m.Stats().Listeners), zap.String("title", song))
	}
}
