package migration

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/internal/programs"
	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// servers run a configuration of Icecast, each in its way.
var servers = map[string]func(s *harness.Server, xml, dir string){
	"icecast2":  harness.RunIcecast2,
	"caddycast": func(s *harness.Server, xml, dir string) { runOurs(s, harness.WriteIcecastXML(s, xml, dir)) },
}

// runOurs runs a Caddy with caddycast on an icecast.xml, as one types it.
func runOurs(s *harness.Server, path string) *exec.Cmd {
	s.T.Helper()
	if s.AdminAddress == "" {
		s.AdminAddress = harness.FreeAddress(s.T)
	}
	cmd := exec.Command(binary.Caddy(s.T), "run", "--adapter", "icecast", "--config", path)
	cmd.Env = append(cmd.Environ(), "CADDY_ADMIN="+s.AdminAddress)
	harness.RunCommandLine(s.T, s.T.TempDir(), cmd)
	harness.Eventually(s.T, "caddycast answers", s.Answers)
	return cmd
}

// comparison is what happened at a server, in lines that can be compared.
type comparison struct {
	*harness.Server
	strings.Builder
	dir   string // where what its configuration names lies
	caddy bool
}

func (t *comparison) say(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

// answer says how a request is answered: by the status and, if that is 403, the text. Of
// connections that come close to each other icecast2 may forget one, about one of 2,000: it
// is asked again then.
func (t *comparison) answer(what, request string) {
	t.T.Helper()
	tries, patience := 1, 3*time.Minute
	if !t.caddy {
		tries, patience = 3, 20*time.Second
	}
	var err error
	for range tries {
		var answer string
		if answer, err = t.try(request, patience); err == nil {
			t.say("%s: %s", what, answer)
			return
		}
	}
	t.T.Fatalf("%s: %v", what, err)
}

// try makes a request once.
func (t *comparison) try(request string, patience time.Duration) (answer string, err error) {
	t.T.Helper()
	conn := t.Dial(false)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return "", err
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return "", err
	}
	answer = fmt.Sprint(resp.StatusCode)
	if resp.StatusCode == http.StatusForbidden {
		body, _ := io.ReadAll(io.LimitReader(r, 1000))
		answer += " " + strings.TrimSpace(string(body))
	}
	return answer, nil
}

// page says how a page is answered to a user, and by what if that is the same everywhere.
func (t *comparison) page(user, path string, same bool) {
	t.T.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+t.Plain+path, nil)
	if err != nil {
		t.T.Fatal(err)
	}
	if user != "" {
		name, password, _ := strings.Cut(user, ":")
		req.SetBasicAuth(name, password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.T.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	t.say("%s for %q: %d", path, user, resp.StatusCode)
	if same && !utf8.Valid(body) {
		t.say("%x", sha256.Sum256(body))
	} else if same {
		t.say("%s", t.anywhere(strings.TrimSpace(string(body))))
	}
}

// anywhere is a text without the host and the port of the server.
func (t *comparison) anywhere(text string) string {
	return strings.NewReplacer("localhost:"+harness.Port(t.Plain), "HOST", "127.0.0.1:"+harness.Port(t.Plain), "HOST").Replace(text)
}

// compare has the same happen to icecast2 and to caddycast, which run the same file, and
// compares what came of it.
func compare(t *testing.T, xml string, fill func(dir string) *strings.Replacer, happens func(*comparison)) {
	t.Helper()
	harness.Program(t, "icecast2")
	results := make(map[string]string)
	for name, run := range servers {
		s, _ := harness.NewPair(t)
		dir := harness.PublicDir(t)
		text := xml
		if fill != nil {
			text = fill(dir).Replace(xml)
		}
		t.Log(name)
		run(s, text, dir)
		one := &comparison{Server: s, dir: dir, caddy: name == "caddycast"}
		happens(one)
		results[name] = one.String()
	}
	theirs, ours := strings.Split(results["icecast2"], "\n"), strings.Split(results["caddycast"], "\n")
	for i := range max(len(theirs), len(ours)) {
		var their, our string
		if i < len(theirs) {
			their = theirs[i]
		}
		if i < len(ours) {
			our = ours[i]
		}
		if their != our {
			t.Errorf("line %d: at icecast2\n%s\nat caddycast\n%s", i, their, our)
		}
	}
	t.Log(results["caddycast"])
}

// shipped returns a configuration of Debian's package icecast2, made to run here: on a free
// port of this machine alone, with its logs in a folder of the test's, and as another user.
func shipped(t *testing.T, path string) string {
	t.Helper()
	harness.Program(t, "icecast2")
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		programs.Missing(t, "only root and Icecast may read "+path)
	case err != nil:
		programs.Missing(t, path+" is not there, which the package icecast2 brings")
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(
		"<port>8000</port>", "<port>PORT</port><bind-address>127.0.0.1</bind-address>",
		"/var/log/icecast2", "DIR",
		"<admin-password>hackme", "<admin-password>letmein",
		"http://dir.xiph.org/cgi-bin/yp-cgi", "http://127.0.0.1:9/", // which is asked for nothing
		"</icecast>", "<security><chroot>0</chroot>OWNER</security></icecast>",
	).Replace(comment.ReplaceAllString(string(text), ""))
}

// comment is one in XML, in which there are examples that are not to be filled in.
var comment = regexp.MustCompile(`(?s)<!--.*?-->`)

// What Debian ships runs as it is.
func TestTheShippedConfigurationsRunAsTheyAre(t *testing.T) {
	const docs = "/usr/share/doc/icecast2/"
	for _, path := range []string{
		"/etc/icecast2/icecast.xml", docs + "icecast.xml.dist.gz", docs + "icecast_minimal.xml.dist",
		docs + "icecast_shoutcast_compat.xml.dist", docs + "icecast_urlauth.xml.dist",
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			xml := shipped(t, path)
			compare(t, xml, nil, func(s *comparison) {
				if strings.Contains(path, "shoutcast") {
					s.byShoutcast()
				}
				s.dayOfAStation(xml)
			})
		})
	}
}

// byShoutcast is a SHOUTcast encoder's day: sound comes to the port above.
func (t *comparison) byShoutcast() {
	test := t.T
	above := &harness.Server{T: test, Plain: "127.0.0.1:" + next(harness.Port(t.Plain))}
	harness.Eventually(test, "the port above answers, too", func() error {
		conn, err := net.Dial("tcp", above.Plain)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	conn := above.Dial(false)
	_, _ = io.WriteString(conn, "hackme\r\n")
	harness.Expect(test, conn, "OK2\r\nicy-caps:11\r\n\r\n")
	_, _ = io.WriteString(conn, "icy-name:DSP\r\nicy-br:128\r\ncontent-type:audio/mpeg\r\n\r\n")
	src := &harness.Source{T: test, Out: conn, MayEnd: true}
	src.Send(20)
	harness.Eventually(test, "it is heard", func() error {
		if _, ok := t.Admin("stats").Source("/stream"); !ok {
			return errors.New("it is not")
		}
		return nil
	})
	t.say("the sound of SHOUTcast is at /stream")
	stop := make(chan struct{})
	sent := src.Run(numbered.Duration, stop)
	l := t.Listen("/stream", harness.HTTP1Metadata, false)
	t.say("it is %s, %s", l.Header.Get("icy-name"), l.Header.Get("Content-Type"))
	t.answer("a title by admin.cgi", "GET /admin.cgi?mode=updinfo&pass=hackme&mount=/stream&song=By%20DSP HTTP/1.0\r\n")
	harness.Eventually(test, "it is titled", func() error {
		source, _ := t.Admin("stats").Source("/stream")
		if title, _ := source.Child("title"); title.Text != "By DSP" {
			return fmt.Errorf("%+v after %s", source, t)
		}
		return nil
	})
	close(stop)
	<-sent
	_ = conn.Close()
	<-l.Done
	t.WaitUntilGone("/stream")
}

// next returns the port above.
func next(port string) string {
	n := 0
	_, _ = fmt.Sscan(port, &n)
	return fmt.Sprint(n + 1)
}

// dayOfAStation is what happens to one with two sources at most. What its configuration says
// nothing of may differ: here all may read streams (CORS), and / is a page.
func (t *comparison) dayOfAStation(xml string) {
	test, pages := t.T, []string{"/status.xsl", "/status-json.xsl", "/missing.html", "/style.css"}
	fields := []string{"Content-Type", "icy-name", "icy-metaint"}
	if strings.Contains(xml, "<alias") {
		pages = append(pages, "/")
	}
	if strings.Contains(xml, "<http-headers") {
		fields = append(fields, "Access-Control-Allow-Origin")
	}
	t.answer("a source with a wrong password", "SOURCE /live.mp3 HTTP/1.0\r\nContent-Type: audio/mpeg\r\n"+harness.BasicAuth("source", "wrong"))
	t.answer("a listener before there is a source", "GET /live.mp3 HTTP/1.0\r\n")
	live, other := t.NumberedSource("/live.mp3", 1), t.NumberedSource("/other.mp3", 2)
	again := "HTTP/1.0\r\nContent-Type: audio/mpeg\r\n" + harness.BasicAuth("source", "hackme")
	t.answer("a second source", "SOURCE /live.mp3 "+again)
	t.answer("a source too many", "SOURCE /third.mp3 "+again)
	w, v := t.ListenVerifying("/live.mp3", harness.HTTP1Metadata, false), t.ListenVerifying("/other.mp3", harness.HTTP10, false)
	harness.WaitForSource(test, "the one", 1, w)
	harness.WaitForSource(test, "the other", 2, v)
	for _, field := range fields {
		t.say("%s: %s", field, w.Header.Get(field))
	}
	t.SetTitleAsAdmin("/live.mp3", "Singer - Song")
	t.WaitForTitle("/live.mp3", "Singer - Song")

	for _, path := range pages {
		t.page("", path, false)
	}
	t.page("", "/key.png", true) // from the web root
	t.page("", "/live.mp3.m3u", true)
	for _, path := range []string{"/admin/stats", "/admin/listmounts", "/admin/listclients?mount=/live.mp3", "/admin/nonsense"} {
		for _, user := range []string{"", "admin:wrong", "admin:letmein"} {
			t.page(user, path, false)
		}
	}
	if strings.Contains(xml, "<relay-password") {
		t.page("relay:hackme", "/admin/streamlist.txt", true)
	}
	for _, mount := range []string{"/live.mp3", "/other.mp3"} {
		source, _ := t.Admin("stats").Source(mount)
		for _, name := range []string{"listeners", "listenurl", "server_name", "server_type", "title", "max_listeners", "public"} {
			value, _ := source.Child(name)
			t.say("%s of %s: %s", name, mount, t.anywhere(value.Text))
		}
	}
	live.MayEnd, live.Source.MayEnd = true, true
	t.page("admin:letmein", "/admin/killsource?mount=/live.mp3", false)
	<-w.Ended
	t.WaitUntilGone("/live.mp3")
	t.answer("a listener after the source", "GET /live.mp3 HTTP/1.0\r\n")
	other.Down()
	<-v.Ended
	live.Abandon()
}
