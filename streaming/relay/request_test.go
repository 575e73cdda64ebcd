package relay

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// ask sends a request as relays do.
func ask(t *testing.T, u Upstream) (*answer, error) {
	t.Helper()
	a, err := u.do(t.Context(), request{method: http.MethodGet, agent: "caddycast/test", timeout: 5 * time.Second})
	if err == nil {
		t.Cleanup(func() { _ = a.Body.Close() })
	}
	return a, err
}

// speak answers each connection with these bytes.
func speak(t *testing.T, text string) (base string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.WriteString(c, text)
				}
			}()
		}
	}()
	return "http://" + ln.Addr().String()
}

func TestServersThatDoNotSpeakHTTP(t *testing.T) {
	for _, tt := range []struct{ name, text, name2, body string }{
		{"SHOUTcast", "ICY 200 OK\r\nicy-name:Shout\r\nicy-metaint:8192\r\nContent-Type:audio/mpeg\r\n\r\nsound", "Shout", "sound"},
		{"SHOUTcast with a notice", "ICY 200 OK\r\nicy-notice1:<BR>This stream requires a player<BR>\r\nicy-name:S\r\n\r\nsound", "S", "sound"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nicy-name:Ice\r\n\r\nsound", "Ice", "sound"},
		{"chunked", "HTTP/1.1 200 OK\r\nicy-name:C\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsou\r\n2\r\nnd\r\n0\r\n\r\n", "C", "sound"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := ask(t, Upstream{URL: speak(t, tt.text) + "/;"})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(a.Body)
			if string(body) != tt.body || err != nil || a.Header.Get("icy-name") != tt.name2 || a.StatusCode != 200 {
				t.Errorf("%s, %q: %q, %v", a.Status, a.Header.Get("icy-name"), body, err)
			}
		})
	}
}

func TestAMalformedAnswerIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"a part of ICY":   "IC",
		"junk":            "\x00\x01\x02\x03 junk\r\n\r\n",
		"an endless head": "HTTP/1.0 200 OK\r\nicy-name: " + strings.Repeat("x", 2*maxHead) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if a, err := ask(t, Upstream{URL: speak(t, text)}); err == nil {
				t.Errorf("the answer is %s", a.Status)
			}
		})
	}
}

func TestRedirectsAreFollowedWithoutThePasswordOfAnotherHost(t *testing.T) {
	users := make(chan string, 10)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		users <- user
	}))
	defer target.Close()
	other := strings.Replace(target.URL, "127.0.0.1", "localhost", 1)
	for _, tt := range []struct {
		name, location, user string
		status               int
		fails                string
	}{
		{"the same host by another port", target.URL + "/x", "relay", 302, ""},
		{"another host", other + "/x", "", 302, ""},
		{"temporarily", target.URL, "relay", 307, ""},
		{"permanently", target.URL, "relay", 308, ""},
		{"user and password in the place", strings.Replace(other, "//", "//u:p@", 1), "", 302, ""},
		{"to a file", "file:///etc/passwd", "", 302, "invalid redirect"},
		{"to nowhere", "", "", 302, "more than 10 redirects"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", tt.location)
				w.WriteHeader(tt.status)
			}))
			defer first.Close()
			_, err := ask(t, Upstream{URL: first.URL, User: "relay", Password: "secret"})
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if user := <-users; user != tt.user {
				t.Errorf("the user sent is %q; want %q", user, tt.user)
			}
		})
	}
}

// A master behind a server that redirects to HTTPS by 301 still gets the reports.
func TestAReportIsPostedAgainAfterARedirect(t *testing.T) {
	got := make(chan string, 1)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Method + " " + string(body) + r.Referer()
	}))
	defer target.Close()
	first := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusMovedPermanently))
	defer first.Close()
	a, err := Upstream{URL: first.URL}.do(t.Context(), request{method: http.MethodPost, body: []byte("report"), timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if got := <-got; got != "POST report" {
		t.Errorf("the target got %q", got)
	}
}

func TestNoPasswordIsSentFromHTTPSToHTTP(t *testing.T) {
	got := make(chan bool, 1)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _, ok := r.BasicAuth()
		got <- ok
	}))
	defer target.Close()
	first := httptest.NewTLSServer(http.RedirectHandler(target.URL, http.StatusFound))
	defer first.Close()
	trust := &TLS{Config: &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}}
	trust.Config.RootCAs.AddCert(first.Certificate())
	if _, err := ask(t, Upstream{URL: first.URL, User: "relay", Password: "secret", TLS: trust}); err != nil {
		t.Fatal(err)
	}
	if <-got {
		t.Error("the password was sent in plain HTTP")
	}
}

func TestPagesAreNoStreams(t *testing.T) {
	for _, tt := range []struct {
		status      int
		contentType string
		ok          bool
	}{
		{200, "audio/mpeg", true},
		{200, "", true},
		{200, "application/octet-stream", true},
		{200, "text/html; charset=utf-8", false},
		{200, "audio/x-mpegurl", false},
		{404, "audio/mpeg", false},
		{206, "audio/mpeg", false},
	} {
		a := &answer{Response: &http.Response{StatusCode: tt.status, Status: fmt.Sprint(tt.status), Header: http.Header{"Content-Type": {tt.contentType}}}}
		if err := a.checkStream("there"); (err == nil) != tt.ok {
			t.Errorf("%d %q: %v", tt.status, tt.contentType, err)
		}
	}
}
