package listenerwrapper

import (
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// Sources without HTTP are logged as those with HTTP, where the station has a message for that.
func TestRejectedSourcesWithoutHTTPAreLogged(t *testing.T) {
	hackme := &auth.Credential{Password: "hackme"}
	const failed, refused = "authentication failed", "source without HTTP rejected"
	for _, c := range []struct {
		name, come string
		password   *auth.Credential // of the station
		port       string           // the password of the port
		message    string
		fields     map[string]any
	}{
		{"a wrong password of SHOUTcast", "wrong\r\n\r\n", hackme, "", failed, map[string]any{"mount": "/m", "credential": "station"}},
		{"a wrong password of Icecast 1", "SOURCE wrong /own\n\n", hackme, "", failed, map[string]any{"mount": "/own", "credential": "mount"}},
		{"a wrong password of a port", "hackme\r\n\r\n", hackme, "port", failed, map[string]any{"mount": "/m", "credential": "port"}},
		{"source_tls", "/safe:hackme\r\n\r\n", hackme, "", "source rejected: source_tls is required", map[string]any{"mount": "/safe"}},
		{"no password is set", "hackme\r\n\r\n", nil, "", refused, map[string]any{"mount": "/m", "error": errUnset.Error()}},
		{"an invalid mount", "SOURCE hackme /\n\n", hackme, "", refused, map[string]any{"error": errMount.Error()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := moduletest.New(t, &caddymodule.Station{SourcePassword: c.password, Mounts: []*caddymodule.Mount{
				{Path: "/own", SourcePassword: &auth.Credential{Password: "own"}},
				{Path: "/safe", SourceTLS: "required"},
			}})
			core, own := observer.New(zap.DebugLevel)
			w := wrap(t, st.Generation, "/m", c.port)
			w.log = zap.New(core)
			if w.login != nil {
				w.login.Kind = auth.KindPort // as Provision does
			}
			if read, answer, _ := sniff(t, w, []byte(c.come), nil); len(read) > 0 || answer != invalidPassword {
				t.Errorf("it is read as %q and answered %q", read, answer)
			}
			all := append(own.All(), st.Logs.All()...)
			if len(all) != 1 || all[0].Message != c.message || all[0].Level != zap.WarnLevel || (own.Len() == 1) != (c.message == refused) {
				t.Fatalf("%v; want %q alone", all, c.message)
			}
			fields := all[0].ContextMap()
			c.fields["client_ip"] = "192.0.2.7"
			for name, want := range c.fields {
				if fields[name] != want {
					t.Errorf("%s: %v; want %v", name, fields[name], want)
				}
			}
		})
	}
}
