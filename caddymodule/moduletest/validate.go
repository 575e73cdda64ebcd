package moduletest

import (
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// Validate does with a configuration what `caddy validate` does.
func Validate(t testing.TB, config string) error {
	t.Helper()
	var cfg caddy.Config
	if err := caddy.StrictUnmarshalJSON([]byte(config), &cfg); err != nil {
		t.Fatalf("reading a configuration: %v", err)
	}
	cfg.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		"default": {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output": "discard"}`)}},
	}}
	return caddy.Validate(&cfg)
}
