package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // what the goldens name

	_ "github.com/caddycast/caddycast/caddymodule"
	_ "github.com/caddycast/caddycast/caddymodule/handler"
	_ "github.com/caddycast/caddycast/caddymodule/listenerwrapper"
	_ "github.com/caddycast/caddycast/caddymodule/logging"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// What `caddy icecast convert` prints, the adapter adapts, and warns of the same.
func TestIcecastXMLIsAdaptedAsItIsConverted(t *testing.T) {
	for name, xml := range moduletest.IcecastGoldens(t) {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "icecast.xml")
			if err := os.WriteFile(file, []byte(xml), 0o600); err != nil {
				t.Fatal(err)
			}
			var caddyfile, told bytes.Buffer
			if err := convert(file, &caddyfile, &told); err != nil {
				t.Fatal(err)
			}
			byHand, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(bytes.Clone(caddyfile.Bytes()), map[string]any{"filename": file})
			if err != nil {
				t.Fatalf("%v in\n%s", err, caddyfile.String())
			}
			config, warnings, err := caddyconfig.GetAdapter("icecast").Adapt([]byte(xml), map[string]any{"filename": file})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(config, byHand) {
				t.Errorf("the adapter makes\n%s\nof what the Caddyfile makes\n%s", config, byHand)
			}
			for _, w := range warnings {
				if w.File != file || w.Line == 0 {
					t.Errorf("a warning from nowhere: %+v", w)
				}
			}
			if lines := strings.Count(told.String(), "\n"); lines != len(warnings) {
				t.Errorf("%d warnings, of which these are converted:\n%s", len(warnings), told.String())
			}
		})
	}
}
