package sources

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// Icecast needs no host, and some programs name none. All requests of a connection are served.
func TestRequestsWithoutAHostAreServed(t *testing.T) {
	s, _ := startFor(t, wrapped, harness.Station, `respond /hello "hello at {host}"`)
	conn := s.Dial(false)
	r := bufio.NewReader(conn)
	for range 3 {
		_, _ = io.WriteString(conn, "GET /hello HTTP/1.1\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(resp.Body); string(body) != "hello at 127.0.0.1" {
			t.Errorf("%s: %q", resp.Status, body)
		}
	}
	_, _ = io.WriteString(conn, "PUT /m HTTP/1.1\r\nContent-Type: audio/mpeg\r\nice-name: A\x01B\r\n"+harness.BasicAuth("source", "hackme")+"\r\n")
	if resp, _ := harness.ReadHead(t, r); resp.StatusCode != http.StatusOK {
		t.Fatalf("a source is answered %s", resp.Status)
	}
	(&harness.Source{T: t, Out: conn}).Send(10)
	s.WaitForMount("/m")
	if name := s.Status("/m")["server_name"]; name != "AB" {
		t.Errorf("its name is %q; want it without control characters", name)
	}
	listener := s.Dial(false)
	_, _ = io.WriteString(listener, "GET /m HTTP/1.1\r\n\r\n")
	if resp, _ := harness.ReadHead(t, bufio.NewReader(listener)); resp.StatusCode != http.StatusOK {
		t.Errorf("a listener is answered %s", resp.Status)
	}
}

// Only HTTP/1.1 tells libshout that it may go on with PUT over the same connection.
func TestTheProbeOfLibshoutIsChallengedByHTTP11(t *testing.T) {
	s, _ := startFor(t, wrapped, harness.Station)
	conn := s.Dial(false)
	r := bufio.NewReader(conn)
	_, _ = io.WriteString(conn, "SOURCE /m HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n")
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.Proto != "HTTP/1.1" || resp.StatusCode != http.StatusUnauthorized || resp.Close || !strings.Contains(resp.Header.Get("Allow"), "PUT") {
		t.Errorf("%s %s, Allow %q, closing %v; want HTTP/1.1 401 that allows PUT and goes on", resp.Proto, resp.Status, resp.Header.Get("Allow"), resp.Close)
	}
	_, _ = io.WriteString(conn, "PUT /m HTTP/1.1\r\nHost: x\r\nContent-Type: audio/mpeg\r\nExpect: 100-continue\r\n"+harness.BasicAuth("source", "hackme")+"\r\n")
	if resp, _ := harness.ReadHead(t, r); resp.StatusCode != http.StatusOK {
		t.Errorf("the source is answered %s", resp.Status)
	}
	(&harness.Source{T: t, Out: conn}).Send(10)
	s.WaitForMount("/m")
}

func TestPasswordsMayBeSentInLatin1(t *testing.T) {
	s, _ := startFor(t, wrapped, strings.Replace(harness.Station, "hackme", "häckmé", 1))
	for _, c := range []struct{ name, password, status string }{
		{"UTF-8", "häckmé", "200"}, {"ISO 8859-1", "h\xe4ckm\xe9", "200"}, {"another one", "h\xe4ckme", "401"},
	} {
		conn := s.Dial(false)
		resp, _ := harness.SendHead(t, conn, "PUT /"+c.status+" HTTP/1.1\r\nHost: x\r\nContent-Type: audio/mpeg\r\n"+harness.BasicAuth("source", c.password)+"\r\n")
		if !strings.HasPrefix(resp.Status, c.status) {
			t.Errorf("%s: %s; want %s", c.name, resp.Status, c.status)
		}
		_ = conn.Close()
		s.WaitUntilGone("/200")
	}
	v1(s, s.Plain, "h\xe4ckm\xe9")
}

// A proxy that waits for a body's end passes on none of a source's.
func TestASourceThatSendsNothingIsLogged(t *testing.T) {
	s := harness.Start(t, "icecast {\n source_password hackme\n limits {\n source_timeout 300ms\n }\n}")
	resp, _ := harness.SendHead(t, s.Dial(false), "PUT /m HTTP/1.1\r\nHost: x\r\nContent-Type: audio/mpeg\r\n"+harness.BasicAuth("source", "hackme")+"\r\n")
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	s.WaitForLog(map[string]any{"msg": "no data received; is a proxy buffering?", "mount": "/m", "help": "docs/guides/proxy.md"})
}
