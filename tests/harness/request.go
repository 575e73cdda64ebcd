package harness

import (
	"bufio"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Get requests a mount as a user, and returns the response; its body is closed with the test.
func (s *Server) Get(path, user, password string) *http.Response {
	s.T.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.Plain+path, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	req.Header.Set("User-Agent", "A b/1.0")
	req.Header.Set("Referer", "http://r/")
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// TrustedProxies is a configuration that trusts what ForwardedFor says.
const TrustedProxies = "\nservers {\ntrusted_proxies static 127.0.0.0/8\n}"

// ForwardedFor is the line of a request in which a proxy names the client.
func ForwardedFor(ip string) string { return "X-Forwarded-For: " + ip + "\r\n" }

// Expect reads what must come next.
func Expect(t testing.TB, conn io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("%q came back (%v), want %q", got[:n], err, want)
	}
}

// BasicAuth is the line of a request that carries credentials.
func BasicAuth(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
}

// SendHead sends the head of a request and reads the head of the final response.
func SendHead(t testing.TB, conn net.Conn, request string) (*http.Response, *bufio.Reader) {
	t.Helper()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return ReadHead(t, bufio.NewReader(conn))
}

// ReadHead reads the head of the final response.
func ReadHead(t testing.TB, r *bufio.Reader) (*http.Response, *bufio.Reader) {
	t.Helper()
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("reading an answer: %v", err)
		}
		if resp.StatusCode >= 200 {
			return resp, r
		}
	}
}

// MustAsk requests a mount, and does not follow redirects.
func MustAsk(t testing.TB, at, path string, header ...string) (*http.Response, net.Conn) {
	t.Helper()
	resp, conn, err := Ask(t, at, path, header...)
	if err != nil {
		t.Fatal(err)
	}
	return resp, conn
}

// Ask is MustAsk where no response is an answer too: at the moment of a reload Caddy may close
// a connection that it has not read from.
func Ask(t testing.TB, at, path string, header ...string) (*http.Response, net.Conn, error) {
	t.Helper()
	conn, err := net.Dial("tcp", at)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+at+"\r\n"+strings.Join(header, "")+"\r\n"); err != nil {
		return nil, nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	return resp, conn, err
}
