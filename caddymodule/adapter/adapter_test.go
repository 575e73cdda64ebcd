package adapter_test

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/adapter"
	_ "github.com/caddycast/caddycast/caddymodule/listenerwrapper" // what the goldens name
	_ "github.com/caddycast/caddycast/caddymodule/logging"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
)

// Those that name no certificates are loaded as far as `caddy validate` does.
func TestWhatIsMadeOfIcecastXMLIsValid(t *testing.T) {
	dir := t.TempDir()
	for name, xml := range moduletest.IcecastGoldens(t) {
		if strings.Contains(xml, "<ssl>1") || strings.Contains(xml, "rfc2818") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			xml := strings.ReplaceAll(xml, "/srv/stations", dir)
			config, _, err := caddyconfig.GetAdapter("icecast").Adapt([]byte(xml), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := moduletest.Validate(t, string(config)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Errors that only the Caddyfile's parser finds have the lines of the icecast.xml, too.
func TestErrorsNameTheLineOfIcecastXML(t *testing.T) {
	const start = "<icecast>\n<listen-socket><port>8000</port></listen-socket>\n"
	for name, c := range map[string]struct{ xml, want string }{
		"a value": {
			"<limits>\n<clients>x</clients></limits>",
			`radio.xml: line 4: <clients>: invalid number "x"; expected a whole number, such as 100`,
		},
		"a mount that can be none": {
			"\n<mount>\n<mount-name>/a//b</mount-name><hidden>1</hidden></mount>",
			`radio.xml:4`,
		},
		"a setting of a mount": {
			"<mount>\n<mount-name>/a</mount-name>\n<charset>klingon</charset></mount>",
			`charset "klingon": unknown; expected one such as utf-8 or iso-8859-1, at radio.xml:5`,
		},
		"an alias to nowhere": {
			"<hostname>not a host</hostname>",
			`radio.xml:3`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := caddyconfig.GetAdapter("icecast").Adapt([]byte(start+c.xml+"\n</icecast>"), map[string]any{"filename": "radio.xml"})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "Caddyfile") {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAPatternForEveryMount(t *testing.T) {
	st := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/a/b"}, {Path: mountpath.All, Name: "all"}}})
	for _, path := range []string{"/a", "/a/b", "/a/b/c.mp3"} {
		if name := st.Policy(path).Engine.StreamInfo.Name; name != "all" {
			t.Errorf("%s is called %q", path, name)
		}
	}
	paths := []string{"/**", "/*"}
	if i := slices.IndexFunc(paths, func(p string) bool { return !mountpath.Matches(p, "/a/b") }); i != 1 {
		t.Errorf("%s fits wrongly", paths[max(i, 0)])
	}
}

func FuzzAdapter(f *testing.F) {
	f.Add("/live.mp3", "text", "http://192.0.2.1/add")
	f.Add("/*.ogg", "{env.HOME}", "https://[::1]:8443/?a=b")
	f.Add("/a//b", "`\"", "%zz")
	f.Fuzz(func(t *testing.T, mount, text, at string) {
		var b bytes.Buffer
		escaped := func(s string) string {
			b.Reset()
			_ = xml.EscapeText(&b, []byte(s))
			return b.String()
		}
		config := strings.NewReplacer("MOUNT", escaped(mount), "TEXT", escaped(text), "URL", escaped(at)).Replace(`<icecast>
<hostname>TEXT</hostname><location>TEXT</location>
<authentication><source-password>TEXT</source-password><admin-user>TEXT</admin-user><admin-password>TEXT</admin-password></authentication>
<listen-socket><port>8000</port><bind-address>127.0.0.1</bind-address><shoutcast-mount>MOUNT</shoutcast-mount></listen-socket>
<http-headers><header name="TEXT" value="TEXT"/></http-headers>
<relay><server>TEXT</server><port>80</port><mount>MOUNT</mount></relay>
<mount><mount-name>MOUNT</mount-name><fallback-mount>MOUNT</fallback-mount><charset>TEXT</charset><type>TEXT</type>
<dump-file>TEXT</dump-file><on-connect>TEXT</on-connect><http-headers><header name="X-A" value="TEXT"/></http-headers>
<authentication type="url"><option name="listener_add" value="URL"/><option name="auth_header" value="TEXT"/></authentication></mount>
<paths><webroot>TEXT</webroot><logdir>TEXT</logdir><deny-ip>TEXT</deny-ip><alias source="MOUNT" destination="/TEXT"/></paths>
</icecast>`)
		if _, _, err := (adapter.Adapter{}).Adapt([]byte(config), map[string]any{"filename": "radio.xml"}); err != nil && !strings.Contains(err.Error(), "line ") && !strings.Contains(err.Error(), "radio.xml:") {
			t.Errorf("an error from nowhere: %v", err)
		}
	})
}
