package sources

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// The configurations are those of docs/guides/proxy.md, on other ports.
const (
	nginxConfig = `daemon off;
master_process off;
error_log stderr;
pid %[1]s/nginx.pid;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]s;
		location / {
			proxy_pass http://%[3]s;
			proxy_http_version 1.1;
			proxy_set_header Host $host;
			proxy_set_header X-Forwarded-For $remote_addr;
			proxy_request_buffering off;
			proxy_buffering off;
			client_max_body_size 0;
			proxy_read_timeout 1h;
		}
	}
}
`
	haproxyConfig = `defaults
	timeout connect 5s
	timeout client 1h
	timeout server 1h
listen tcp
	mode tcp
	bind %[1]s
	server station %[2]s send-proxy-v2
listen http
	mode http
	bind %[3]s
	option forwardfor
	server station %[4]s
`
)

// proxied are ways for a source through a proxy.
var proxied = []struct {
	name    string
	login   string
	early   string
	head    string
	chunked bool // else only what passes TCP on takes it
}{
	{"PUT in chunks", "", "", "PUT /m HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n" + harness.BasicAuth("source", "hackme") + "\r\n", true},
	{
		"PUT in chunks that expects", "", "",
		"PUT /m HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/mpeg\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n" + harness.BasicAuth("source", "hackme") + "\r\n", true,
	},
	{"PUT", "", "", "PUT /m HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/mpeg\r\n" + harness.BasicAuth("source", "hackme") + "\r\n", false},
	{"SOURCE", "", "", "SOURCE /m HTTP/1.0\r\nContent-Type: audio/mpeg\r\n" + harness.BasicAuth("source", "hackme") + "\r\n", false},
	{"SHOUTcast v1", "hackme\r\n", "OK2\r\nicy-caps:11\r\n\r\n", "icy-name:Test\r\n\r\n", false},
}

// A proxy for HTTP passes on requests of a known length; one for TCP passes on every source,
// and sends its address by the PROXY protocol.
func TestSourcesComeThroughProxies(t *testing.T) {
	s, upper := startFor(t, strings.Replace(wrapped, "{\n", "{\n proxy_protocol {\n allow 127.0.0.0/8\n }\n", 1)+"\n trusted_proxies static 127.0.0.0/8", harness.Station)
	dir := t.TempDir()
	nginx, tcp, web := harness.FreeAddress(t), harness.FreeAddress(t), harness.FreeAddress(t)
	harness.WriteFile(t, dir+"/nginx.conf", fmt.Sprintf(nginxConfig, dir, nginx, s.Plain))
	harness.WriteFile(t, dir+"/haproxy.cfg", fmt.Sprintf(haproxyConfig, tcp, upper, web, s.Plain))
	harness.Launch(t, "nginx", "-p", dir, "-c", dir+"/nginx.conf")
	harness.Launch(t, "haproxy", "-db", "-f", dir+"/haproxy.cfg")
	for _, at := range []string{nginx, tcp, web} {
		harness.Eventually(t, "the proxy at "+at+" answers", harness.At(t, at).Answers)
	}
	for _, proxy := range []struct {
		name, at string
		tcp      bool
	}{{"nginx", nginx, false}, {"haproxy", web, false}, {"haproxy for TCP", tcp, true}} {
		for _, p := range proxied {
			if !p.chunked && !proxy.tcp {
				continue
			}
			t.Run(proxy.name+"/"+p.name, func(t *testing.T) {
				s := s.For(t)
				from, err := net.Dial("tcp", proxy.at)
				if err != nil {
					t.Fatal(err)
				}
				defer from.Close()
				_ = from.SetDeadline(time.Now().Add(time.Minute))
				_, _ = io.WriteString(from, p.login)
				harness.Expect(t, from, p.early)
				if p.early != "" {
					_, _ = io.WriteString(from, p.head)
				} else if resp, _ := harness.SendHead(t, from, p.head); resp.StatusCode != http.StatusOK {
					t.Fatal(resp.Status)
				}
				out := io.Writer(from)
				if p.chunked {
					out = chunks{from}
				}
				src := &harness.Source{T: t, Out: out}
				src.Send(20)
				s.WaitForMount("/m")
				// Listeners come through it, too.
				l := follow(harness.At(t, proxy.at), "/m")
				for range 6 {
					src.Send(10)
					l.hears(src.Next.Load() - 1) // nothing waits in a proxy for more to come
				}
				_ = from.Close()
				if c := l.WaitForEnd(); c.Last != 79 {
					t.Errorf("heard to %d", c.Last)
				}
				s.WaitUntilGone("/m")
				if proxy.tcp {
					s.WaitForLog(map[string]any{"msg": "source connected", "mount": "/m", "client_ip": "127.0.0.1"})
				}
			})
		}
	}
}

// chunks writes in chunks.
type chunks struct{ net.Conn }

func (c chunks) Write(p []byte) (int, error) {
	if _, err := fmt.Fprintf(c.Conn, "%x\r\n%s\r\n", len(p), p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// The address of a source that comes through a proxy is its own.
func TestTheAddressOfASourceIsWhatTheProxySays(t *testing.T) {
	s, _ := startFor(t, strings.Replace(wrapped, "{\n", "{\n proxy_protocol {\n allow 127.0.0.0/8\n }\n", 1), harness.Station)
	conn := s.Dial(false)
	_, _ = io.WriteString(conn, "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\nhackme\r\n\r\n")
	harness.Expect(t, conn, "OK2\r\nicy-caps:11\r\n\r\n")
	_, _ = conn.Write(numbered.AppendFrame(nil, 0, time.Now()))
	s.WaitForLog(map[string]any{"msg": "source connected", "mount": "/m", "client_ip": "192.0.2.7"})
	conn = s.Dial(false)
	_, _ = io.WriteString(conn, "PROXY TCP4 192.0.2.8 127.0.0.1 4711 80\r\nwrong\r\n\r\n")
	harness.Expect(t, conn, "invalid password\r\n")
	s.WaitForLog(map[string]any{"level": "warn", "mount": "/m", "client_ip": "192.0.2.8"})
}
