package adapter_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddycast/caddycast/caddymodule/adapter"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

var mountElement = regexp.MustCompile(`(?s)<mount>.*?</mount>\n`)

// mountsOf returns the mounts of an icecast.xml, by their paths.
func mountsOf(t *testing.T, xml string) map[string]any {
	t.Helper()
	converted, _, err := adapter.Convert("icecast.xml", []byte(xml))
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(converted.Caddyfile, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, converted.Caddyfile)
	}
	var config struct {
		Apps struct {
			Icecast struct {
				Stations map[string]struct{ Mounts []map[string]any }
			}
		}
	}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]any)
	for _, m := range config.Apps.Icecast.Stations["default"].Mounts {
		all[m["path"].(string)] = m
	}
	return all
}

// A file with one mount has no snippet, so it shows what each mount is without it.
func TestAMountThatSharesSettingsIsWhatItIsAlone(t *testing.T) {
	xml := moduletest.IcecastGoldens(t)["shared.golden"]
	together := mountsOf(t, xml)
	elements := mountElement.FindAllString(xml, -1)
	if len(together) != len(elements) || len(elements) < 4 {
		t.Fatalf("%d elements have become %d mounts", len(elements), len(together))
	}
	for _, only := range elements {
		alone := mountsOf(t, mountElement.ReplaceAllStringFunc(xml, func(m string) string {
			if m == only {
				return m
			}
			return ""
		}))
		for path, m := range alone {
			if !reflect.DeepEqual(m, together[path]) {
				t.Errorf("%s is %v; alone it is %v", path, together[path], m)
			}
		}
		if len(alone) != 1 {
			t.Errorf("%s has become %d mounts", only, len(alone))
		}
	}
}
