package handler

import (
	"net/http"

	"github.com/caddycast/caddycast/streaming"
)

// ListenerFields returns the names and values of listenerFields.
func ListenerFields(h http.Header, s streaming.Stream, interval int) (all [][2]string) {
	for _, f := range listenerFields(h, s, interval) {
		all = append(all, [2]string{f.name, f.value})
	}
	return all
}
