package fallbacks_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/internal/leaks"
)

func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "github.com/caddycast/")) }

// TestFallbacksInJSON: fallbacks were objects without a kind, before others could write modules.
func TestFallbacksInJSON(t *testing.T) {
	standby := fallback.Standby("/live.mp3")
	const noKind = "fallback: missing kind; expected kind, or one of mount, files and standby"
	for _, tt := range []struct {
		name, json string
		want       []string
		err        string
	}{
		{"a mount", `{"kind": "mount", "mount": "/backup"}`, []string{"/backup"}, ""},
		{"files", `{"kind": "file", "files": ["a", "b"]}`, []string{fallback.File([]string{"a", "b"})}, ""},
		{"standby", `{"kind": "standby"}`, standby, ""},
		{"a mount without kind", `{"mount": "/backup"}`, []string{"/backup"}, ""},
		{"files without kind", `{"files": ["a", "b"]}`, []string{fallback.File([]string{"a", "b"})}, ""},
		{"standby without kind", `{"standby": true}`, standby, ""},
		{"a mount, and zeros", `{"mount": "/backup", "files": [], "standby": false}`, []string{"/backup"}, ""},
		{"a mount and files", `{"mount": "/backup", "files": ["a"]}`, nil, noKind},
		{"a mount and standby", `{"mount": "/backup", "standby": true}`, nil, noKind},
		{"files and standby", `{"files": ["a"], "standby": true}`, nil, noKind},
		{"nothing", `{}`, nil, noKind},
		{"standby that is off", `{"standby": false}`, nil, noKind},
		{"null", `null`, nil, `fallback: not an object; expected one such as {"kind": "mount", "mount": "/backup.mp3"}`},
		{"a text", `"/backup"`, nil, `fallback: not an object; expected one such as {"kind": "mount", "mount": "/backup.mp3"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st, err := moduletest.Provision(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{
				{Path: "/live.mp3", FallbacksRaw: []json.RawMessage{json.RawMessage(tt.json)}},
			}})
			if tt.err != "" {
				moduletest.CheckError(t, err, "loading icecast app module: provision icecast: station "+t.Name()+": mount /live.mp3: "+tt.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := st.Rule("/live.mp3").Fallbacks; !slices.Equal(got, tt.want) {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
}
