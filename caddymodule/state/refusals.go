package state

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// Refused counts and logs a refused request: at the level of the refusal if that has a message
// of its own, else at debug level.
func (st *Station) Refused(r *request.Facts, refusal *response.Refusal) {
	if s := refusal.Status; s >= 0 && s < len(st.refusals) {
		st.refusals[s].Add(1)
	}
	st.LogRefusal(r, refusal)
}

// LogRefusal is Refused without the count, for what is not answered by HTTP.
func (st *Station) LogRefusal(r *request.Facts, refusal *response.Refusal) {
	level, message := refusal.Level, refusal.Message
	if message == "" {
		level, message = zapcore.DebugLevel, "request refused"
	}
	entry := st.Logger().Check(level, message)
	if entry == nil {
		return
	}
	fields := append([]zap.Field{
		zap.String("client_ip", r.ClientIP), zap.String("method", r.Method),
		zap.String("path", response.Printable(r.URL.Path)), zap.Int("status", refusal.Status),
	}, refusal.Fields...)
	if refusal.Limited {
		suppressed, ok := st.refusalLines.allow(r.Addr, message)
		if !ok {
			return
		}
		if suppressed > 0 {
			fields = append(fields, zap.Int("suppressed", suppressed))
		}
	}
	entry.Write(append(fields, zap.String("reason", response.Printable(refusal.Reason)))...)
}

// Refusals returns the number of refused requests, by the status of the answer.
func (st *Station) Refusals() map[int]uint64 {
	all := make(map[int]uint64)
	for status := range st.refusals {
		if n := st.refusals[status].Load(); n > 0 {
			all[status] = n
		}
	}
	return all
}
