package adapter_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// literalXML has a text wherever an operator, or a user of a panel, may write one.
const literalXML = `<icecast>
<location>TEXT</location><admin>TEXT</admin><server-id>TEXT</server-id>
<authentication><source-password>TEXT</source-password><relay-user>TEXT</relay-user><relay-password>TEXT</relay-password>
<admin-user>TEXT</admin-user><admin-password>TEXT</admin-password></authentication>
<listen-socket><port>8000</port><bind-address>127.0.0.1</bind-address></listen-socket>
SOCKET
<http-headers><header name="X-All" value="TEXT"/></http-headers>
<event-bindings><event type="exec" trigger="source-connect"><option name="executable" value="/TEXT"/></event>
<event type="url" trigger="source-connect"><option name="url" value="http://192.0.2.1/?a=TEXT"/></event></event-bindings>
<relay><server>192.0.2.1</server><port>80</port><mount>/TEXT?a=TEXT</mount><local-mount>/r</local-mount>
<username>TEXT</username><password>TEXT</password></relay>
<relay><uri>http://192.0.2.1/TEXT?a=TEXT</uri><local-mount>/s</local-mount></relay>
<mount><mount-name>/m</mount-name><username>TEXT</username><password>TEXT</password>
<stream-name>TEXT</stream-name><stream-description>TEXT</stream-description><stream-url>http://192.0.2.1/TEXT</stream-url><genre>TEXT</genre>
<dump-file>/TEXT</dump-file><intro>TEXT</intro><fallback-mount>/TEXT</fallback-mount>
<on-connect>/TEXT</on-connect><on-disconnect>/TEXT TEXT</on-disconnect><http-headers><header name="X-M" value="TEXT"/></http-headers>
<authentication type="url"><option name="listener_add" value="http://192.0.2.1/TEXT"/><option name="username" value="TEXT"/>
<option name="password" value="TEXT"/></authentication></mount>
<mount><mount-name>/TEXT</mount-name><http-headers><header name="X-M" value="TEXT"/></http-headers>
<authentication type="htpasswd"><option name="filename" value="/TEXT"/></authentication></mount>
<paths><webroot>/TEXT</webroot><logdir>/TEXT</logdir><deny-ip>/TEXT</deny-ip>
<alias source="/TEXT" destination="/TEXT"/><alias source="/" destination="/TEXT"/></paths>
</icecast>`

// Braces mean nothing in an icecast.xml, and a name that a user of a panel chose must not
// become a variable or a file of the server's.
func TestNothingInIcecastXMLIsAPlaceholder(t *testing.T) {
	asTheyAre := []string{"path", "mount", "ip_files"} // of mounts and files, where Caddy looks for none
	for _, text := range []string{"{env.HOME}", "{file./etc/hostname}", "{path}", "{args[0]}", "{args[:]}", "{block}", "{event.mount}", `a\{b}`, "x`{y}"} {
		for _, socket := range []string{"", "<listen-socket><port>8001</port><bind-address>127.0.0.2</bind-address></listen-socket>"} {
			t.Run(fmt.Sprint(text, socket != ""), func(t *testing.T) {
				xml := strings.NewReplacer("TEXT", text, "SOCKET", socket).Replace(literalXML)
				config, _, err := caddyconfig.GetAdapter("icecast").Adapt([]byte(xml), nil)
				if err != nil {
					t.Fatal(err)
				}
				var all any
				if err := json.Unmarshal(config, &all); err != nil {
					t.Fatal(err)
				}
				found := 0
				eachString(all, "", func(key, s string) {
					if strings.Contains(s, "{http.request.local") {
						return
					}
					if !slices.Contains(asTheyAre, key) || !strings.Contains(s, text) {
						s = caddy.NewReplacer().ReplaceAll(s, "")
					}
					if strings.Contains(s, text) {
						found++
					} else if strings.ContainsAny(s, "{}") {
						t.Errorf("%s becomes %q", key, s)
					}
				})
				want := 42
				if socket != "" {
					want += 9
				}
				if found != want {
					t.Errorf("it stands in %d places, want %d:\n%s", found, want, config)
				}
			})
		}
	}
}

// eachString calls do for each text in a value of JSON, with the key that it stands under.
func eachString(v any, key string, do func(key, s string)) {
	switch v := v.(type) {
	case string:
		do(key, v)
	case []any:
		for _, inner := range v {
			eachString(inner, key, do)
		}
	case map[string]any:
		for key, inner := range v {
			eachString(inner, key, do)
		}
	}
}
