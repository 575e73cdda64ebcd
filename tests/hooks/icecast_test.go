package hooks

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// icecastMount makes icecast2 do what authLikeIcecast does.
const icecastMount = `<mount type="normal">
		<mount-name>/live.mp3</mount-name>
		<authentication type="url">
			<option name="listener_add"    value="ENDPOINT/add"/>
			<option name="listener_remove" value="ENDPOINT/remove"/>
			<option name="mount_add"       value="ENDPOINT/up"/>
			<option name="mount_remove"    value="ENDPOINT/down"/>
			<option name="stream_auth"     value="ENDPOINT/source"/>
			<option name="headers"         value="referer,x-token"/>
			<option name="header_prefix"   value="H-"/>
		</authentication>
		<on-connect>SCRIPT</on-connect>
		<on-disconnect>SCRIPT</on-disconnect>
	</mount>`

const authLikeIcecast = `icecast {
	source_password hackme
	admin_password  letmein
	hostname        127.0.0.1:PORT
	mount /live.mp3 {
		auth url {
			listener_add    ENDPOINT/add
			listener_remove ENDPOINT/remove
			mount_add       ENDPOINT/up
			mount_remove    ENDPOINT/down
			stream_auth     ENDPOINT/source
			headers         referer,x-token
			header_prefix   H-
		}
		on_connect    SCRIPT
		on_disconnect SCRIPT
	}
}`

// TestWhatIcecastTellsIsTold has icecast2 and caddycast run the same script and
// ask the same endpoint, while the same happens to them, and compares all that
// these were told.
func TestWhatIcecastTellsIsTold(t *testing.T) {
	harness.Program(t, "icecast2")
	told := make(map[string]string)
	for _, name := range []string{"icecast2", "caddycast"} {
		dir := harness.PublicDir(t)
		e := harness.NewEndpoint(t, func(w http.ResponseWriter, p harness.Post) bool {
			if f := p.Form(t); f.Get("pass") == "wrong" {
				return true
			}
			return harness.Allow(w, p)
		})
		script, out := filepath.Join(dir, "script"), filepath.Join(dir, "out")
		harness.WriteFile(t, script, "#!/bin/sh\necho \"$#|$1\" >> "+out+"\n")
		harness.MakeExecutable(t, script)
		fill := strings.NewReplacer("ENDPOINT", e.URL, "SCRIPT", script)
		var s *harness.Server
		if name == "icecast2" {
			s = harness.Icecast2(t, strings.ReplaceAll(harness.PeerXML, "MORE", fill.Replace(icecastMount)), dir)
		} else {
			s = harness.NewServer(t)
			if err := s.Load(strings.ReplaceAll(fill.Replace(authLikeIcecast), "PORT", harness.Port(s.Plain))); err != nil {
				t.Fatal(err)
			}
			defer harness.StopCaddy(t)
		}
		lifeOfAMount(s, e)
		harness.Eventually(t, "the script has run twice", func() error {
			if text, err := harness.TryReadFile(out); err != nil || strings.Count(text, "\n") < 2 {
				return fmt.Errorf("%q, %w", text, err)
			}
			return nil
		})
		told[name] = "the script was run with\n" + harness.ReadFile(t, out) + harness.PostedBodies(e, harness.Port(s.Plain))
	}
	if told["icecast2"] != told["caddycast"] {
		t.Errorf("by icecast2 %s\nby caddycast %s", told["icecast2"], told["caddycast"])
	}
	t.Log(told["caddycast"])
}

// lifeOfAMount is what happens.
func lifeOfAMount(s *harness.Server, e *harness.Endpoint) {
	conn := s.Dial(false)
	if resp, _ := harness.SendHead(s.T, conn, "SOURCE /live.mp3 HTTP/1.0\r\n"+harness.BasicAuth("source", "wrong")+"Content-Type: audio/mpeg\r\n\r\n"); resp.StatusCode == http.StatusOK {
		s.T.Fatal("a source with a wrong password is admitted")
	}
	_ = conn.Close()
	src := s.Source("/live.mp3")
	stop := make(chan struct{})
	done := src.Run(5*time.Millisecond, stop)
	e.Bodies("/up", 1)
	for _, l := range []struct{ query, user, password string }{
		{"?limit=1&x=%20y", "bob", "p w"}, {"", "", ""}, {"", "ann", "wrong"}, {"?a=b", "a&b=c", "ü\"'<%>"},
	} {
		resp := s.Get("/live.mp3"+l.query, l.user, l.password)
		if want := l.password != "wrong"; want != (resp.StatusCode == http.StatusOK) {
			s.T.Errorf("%q with %q is answered %s", l.user, l.password, resp.Status)
		}
		_ = resp.Body.Close()
	}
	e.Bodies("/remove", 3)
	s.SetTitle("/live.mp3", "a title")
	close(stop)
	<-done
	src.Finish()
	e.Bodies("/down", 1)
}
