package tests

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
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
	program(t, "icecast2")
	told := make(map[string]string)
	for _, name := range []string{"icecast2", "caddycast"} {
		dir := publicDir(t)
		e := newEndpoint(t, func(w http.ResponseWriter, p post) bool {
			if f := p.form(t); f.Get("pass") == "wrong" {
				return true
			}
			return yes(w, p)
		})
		script, out := filepath.Join(dir, "script"), filepath.Join(dir, "out")
		write(t, script, "#!/bin/sh\necho \"$#|$1\" >> "+out+"\n")
		makeExecutable(t, script)
		fill := strings.NewReplacer("ENDPOINT", e.URL, "SCRIPT", script)
		var s *server
		if name == "icecast2" {
			s = icecast2(t, strings.ReplaceAll(peerXML, "MORE", fill.Replace(icecastMount)), dir)
		} else {
			s = &server{t: t, plain: freeAddress(t), tls: freeAddress(t), wired: freeAddress(t), admin: freeAddress(t)}
			if err := s.load(strings.ReplaceAll(fill.Replace(authLikeIcecast), "PORT", port(s.plain))); err != nil {
				t.Fatal(err)
			}
			defer stopCaddy(t)
		}
		lifeOfAMount(s, e)
		eventually(t, "the script has run twice", func() error {
			if text, err := readFile(out); err != nil || strings.Count(text, "\n") < 2 {
				return fmt.Errorf("%q, %w", text, err)
			}
			return nil
		})
		told[name] = "the script was run with\n" + read(t, out) + whatWasPosted(e, port(s.plain))
	}
	if told["icecast2"] != told["caddycast"] {
		t.Errorf("by icecast2 %s\nby caddycast %s", told["icecast2"], told["caddycast"])
	}
	t.Log(told["caddycast"])
}

// lifeOfAMount is what happens.
func lifeOfAMount(s *server, e *endpoint) {
	conn := s.dial(false)
	if resp, _ := head(s.t, conn, "SOURCE /live.mp3 HTTP/1.0\r\n"+basic("source", "wrong")+"Content-Type: audio/mpeg\r\n\r\n"); resp.StatusCode == http.StatusOK {
		s.t.Fatal("a source with a wrong password is let in")
	}
	_ = conn.Close()
	src := s.source("/live.mp3")
	stop := make(chan struct{})
	done := src.run(5*time.Millisecond, stop)
	e.bodies("/up", 1)
	for _, l := range []struct{ query, user, password string }{
		{"?limit=1&x=%20y", "bob", "p w"}, {"", "", ""}, {"", "ann", "wrong"}, {"?a=b", "a&b=c", "ü\"'<%>"},
	} {
		resp := s.get("/live.mp3"+l.query, l.user, l.password)
		if want := l.password != "wrong"; want != (resp.StatusCode == http.StatusOK) {
			s.t.Errorf("%q with %q is answered %s", l.user, l.password, resp.Status)
		}
		_ = resp.Body.Close()
	}
	e.bodies("/remove", 3)
	s.retitle("/live.mp3", "a title")
	close(stop)
	<-done
	src.finish()
	e.bodies("/down", 1)
}

// whatWasPosted lists what an endpoint got, but for what must differ.
func whatWasPosted(e *endpoint, port string) string {
	var posts []string
	differs := regexp.MustCompile(`(client|duration)=\d+`)
	for _, path := range []string{"/source", "/up", "/add", "/remove", "/down"} {
		for _, p := range e.all() {
			if p.path != path {
				continue
			}
			body := differs.ReplaceAllString(p.body, "$1=N")
			posts = append(posts, fmt.Sprintf("%s %s %s %s\n", path, p.header.Get("Content-Type"), p.header.Get("Authorization"), strings.ReplaceAll(body, "port="+port, "port=PORT")))
		}
	}
	slices.Sort(posts) // those of several listeners come in any order
	return strings.Join(posts, "")
}
