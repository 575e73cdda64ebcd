package response

import (
	"errors"
	"maps"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Refusal is the answer to a request that is not served. Checks return it as an error; the
// handler writes, logs and counts it, in one place.
type Refusal struct { //nolint:errname // it is an answer, which checks return as an error
	Status int         // of the answer, 4xx or 5xx
	Reason string      // one sentence for the client
	Header http.Header // further fields of the answer; nil: none

	// Message is the log line; empty: the refusal is only logged at debug level.
	Message string
	Level   zapcore.Level
	Fields  []zap.Field // besides the client's address and the path
	Limited bool        // whether only some of the lines of a client are logged

	cause error
}

// Refuse returns a refusal with a status and a sentence for the client.
func Refuse(status int, reason string) *Refusal { return &Refusal{Status: status, Reason: reason} }

// Challenge returns the refusal that asks for credentials.
func Challenge() *Refusal {
	return Refuse(http.StatusUnauthorized, "You need to authenticate").
		With("WWW-Authenticate", realm).With("Allow", Allowed)
}

// With adds a field to the answer.
func (r *Refusal) With(name, value string) *Refusal {
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Set(name, value)
	return r
}

// Logged sets the log line. The message is stable and has no values in it.
func (r *Refusal) Logged(level zapcore.Level, message string, fields ...zap.Field) *Refusal {
	r.Level, r.Message, r.Fields = level, message, fields
	return r
}

// Warned sets a log line at level warn. Clients can cause many of them, so they are limited by
// the client's address.
func (r *Refusal) Warned(message string, fields ...zap.Field) *Refusal {
	r.Limited = true
	return r.Logged(zapcore.WarnLevel, message, fields...)
}

// Because sets what errors.Is and errors.As find in the refusal.
func (r *Refusal) Because(cause error) *Refusal {
	r.cause = cause
	return r
}

// Error returns the sentence for the client.
func (r *Refusal) Error() string { return r.Reason }

// Unwrap returns the cause, nil if there is none.
func (r *Refusal) Unwrap() error { return r.cause }

// Write answers with the sentence as plain text. A site with error routes of its own gets
// the error instead, except for a request for credentials.
func (r *Refusal) Write(w http.ResponseWriter, req *http.Request) error {
	maps.Copy(w.Header(), r.Header)
	if srv, ok := req.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok &&
		srv.Errors != nil && r.Status != http.StatusUnauthorized {
		return caddyhttp.Error(r.Status, errors.New(r.Reason))
	}
	return Answer(w, req, r.Status, "text/plain; charset=utf-8", r.Reason+"\r\n")
}
