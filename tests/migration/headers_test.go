package migration

import (
	"net/http"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// headersXML has the http-headers of the file that Icecast 2.5 ships, where a field of the type
// cors without a value has the server's own. icecast2, which is 2.4, does not know that type, so
// only caddycast runs it.
const headersXML = `<icecast>
	<listen-socket><port>PORT</port><bind-address>127.0.0.1</bind-address></listen-socket>
	<http-headers>
		<header type="cors" name="Access-Control-Allow-Origin"/>
		<header type="cors" name="Access-Control-Allow-Headers"/>
		<header type="cors" name="Access-Control-Expose-Headers"/>
	</http-headers>
	<mount>
		<mount-name>/live.mp3</mount-name>
		<http-headers><header type="cors" name="Access-Control-Allow-Origin" value="https://player.example.org"/></http-headers>
	</mount>
</icecast>`

func TestAHeaderOfTheTypeCORSWithoutAValueIsTheOriginOfTheRequest(t *testing.T) {
	s := harness.NewServer(t)
	servers["caddycast"](s, headersXML, harness.PublicDir(t))
	for _, c := range []struct{ path, origin, want string }{
		{"/status-json.xsl", "https://radio.example.org", "https://radio.example.org"},
		{"/status-json.xsl", "", "*"}, // this server's default
		{"/live.mp3", "https://radio.example.org", "https://player.example.org"},
	} {
		req, err := http.NewRequest(http.MethodGet, "http://"+s.Plain+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s from %q: %q, want %s", c.path, c.origin, got, c.want)
		}
	}
}
