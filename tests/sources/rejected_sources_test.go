package sources

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestWhatIsWrongWithASourceIsSaidAndCostsNothing(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
		admin_password letmein
		limits {
			sources 2
		}
		mount /own {
			source_password dj secret
		}
		mount /hashed {
			source_password $2a$04$XHsRvAEFHrOrdCDkNq3qS.kEs36CFsNsCtl.m7GJHeOfqcfg.9EJS
		}
	}`)
	busy := s.Source("/busy")
	busy.Send(2)
	put := "PUT %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	const typed = "Content-Type: audio/mpeg\r\n"
	for _, c := range []struct {
		name, path, fields string
		status             int
		body               string
	}{
		{"no credentials", "/m", typed, 401, "You need to authenticate"},
		{"a wrong password", "/m", typed + harness.BasicAuth("source", "x"), 401, "authenticate"},
		{"a wrong user", "/m", typed + harness.BasicAuth("dj", "hackme"), 401, "authenticate"},
		{"the administrator's", "/m", typed + harness.BasicAuth("admin", "letmein"), 401, "authenticate"},
		{"a password that begins right", "/m", typed + harness.BasicAuth("source", "hackm"), 401, "authenticate"},
		{"no password", "/m", typed + harness.BasicAuth("source", ""), 401, "authenticate"},
		{"something that is no credential", "/m", typed + "Authorization: Basic !!\r\n", 401, "authenticate"},
		{"the station's, for a mount with its own", "/own", typed + harness.BasicAuth("source", "hackme"), 401, "authenticate"},
		{"a wrong one for a hash", "/hashed", typed + harness.BasicAuth("source", "hackme"), 401, "authenticate"},
		{"a mount that is busy", "/busy", typed + harness.BasicAuth("source", "hackme"), 403, "Mountpoint in use"},
		{"no content type", "/m", harness.BasicAuth("source", "hackme"), 403, "No Content-type given"},
		{"dots in the path", "/a/../m", typed + harness.BasicAuth("source", "hackme"), 400, "dots"},
		{"no name", "/", typed + harness.BasicAuth("source", "hackme"), 400, "empty parts"},
		{"a page's name", "/status-json.xsl", typed + harness.BasicAuth("source", "hackme"), 403, "page of the station"},
		{"the name of a playlist", "/m.m3u", typed, 403, "a playlist"},
		{"a very long name", "/" + strings.Repeat("x", 300), typed + harness.BasicAuth("source", "hackme"), 400, "255"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, r := harness.SendHead(t, s.Dial(false), fmt.Sprintf(put, c.path)+c.fields+"\r\n")
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.status || !strings.Contains(string(body), c.body) {
				t.Errorf("answered %s: %q, want %d with %q", resp.Status, body, c.status, c.body)
			}
			if ct := resp.Header.Get("Content-Type"); ct != "text/plain; charset=utf-8" {
				t.Errorf("the reason is %q", ct)
			}
			if rest, _ := io.ReadAll(r); len(rest) > 0 {
				t.Errorf("%q follows", rest)
			}
		})
	}
	t.Run("the right one of a mount", func(t *testing.T) {
		conn := s.Dial(false)
		if resp, _ := harness.SendHead(t, conn, fmt.Sprintf(put, "/own")+typed+harness.BasicAuth("dj", "secret")+"\r\n"); resp.StatusCode != 200 {
			t.Errorf("answered %s", resp.Status)
		}
		resp, _ := harness.SendHead(t, s.Dial(false), fmt.Sprintf(put, "/third")+typed+harness.BasicAuth("source", "hackme")+"\r\n")
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 403 || !strings.Contains(string(body), "too many sources connected") {
			t.Errorf("a third source is answered %s: %q", resp.Status, body)
		}
		_ = conn.Close()
	})
	t.Run("the right one for a hash", func(t *testing.T) {
		harness.Eventually(t, "there is room for another source", func() error {
			resp, _ := harness.SendHead(t, s.Dial(false), fmt.Sprintf(put, "/hashed")+typed+harness.BasicAuth("source", "wolfgang")+"\r\n")
			if resp.StatusCode != 200 {
				return fmt.Errorf("answered %s", resp.Status)
			}
			return nil
		})
	})
}

func TestBrokenHeadsAreRefused(t *testing.T) {
	s := harness.Start(t, harness.Station)
	for name, request := range map[string]string{
		"a head that is too long":     "PUT /m HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n",
		"no HTTP":                     "hello, is there anybody at home?\r\n\r\n",
		"a length that is no number":  "PUT /m HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
		"an unknown way of transfer":  "PUT /m HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
		"a field without a name":      "PUT /m HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
		"a version that nobody knows": "SOURCE /m HTTP/7.0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.Dial(false)
			go func() { _, _ = io.WriteString(conn, request) }()
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				return // closed without a word, which is an answer too
			}
			if resp.StatusCode < 400 {
				t.Errorf("answered %s", resp.Status)
			}
		})
	}
	src := s.Source("/m")
	src.Send(3)
	src.Finish()
}
