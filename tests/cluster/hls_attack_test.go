package cluster

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// observer is a link to a node that counts what is loaded of its HLS.
type observer struct {
	address string

	mu     sync.Mutex
	asked  map[string]int // requests, by path
	failed []string       // those that were not answered 200
}

// observe makes a link to a node.
func observe(t testing.TB, to *harness.Server) *observer {
	o := &observer{asked: make(map[string]int)}
	p := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: to.Plain})
	p.FlushInterval = -1
	p.ModifyResponse = func(resp *http.Response) error {
		at := resp.Request.URL.Path
		if !strings.Contains(at, ".hls/") && !strings.HasSuffix(at, ".m3u8") {
			return nil
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.asked[at]++
		if resp.StatusCode != http.StatusOK {
			o.failed = append(o.failed, resp.Status+" "+at)
		}
		return nil
	}
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	o.address = server.Listener.Addr().String()
	return o
}

// total returns how many requests there were.
func (o *observer) total() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, asked := range o.asked {
		n += asked
	}
	return n
}

// flood sends requests over some raw connections that it keeps, and returns how often each status was answered.
func flood(t testing.TB, s *harness.Server, requests int, path func(n int) string) map[int]int {
	t.Helper()
	const connections = 8
	var mu sync.Mutex
	var all sync.WaitGroup
	statuses := make(map[int]int)
	for first := range connections {
		all.Go(func() {
			conn, err := net.Dial("tcp", s.Plain)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			r := bufio.NewReader(conn)
			for n := first; n < requests; n += connections {
				fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: flood %d\r\n\r\n", path(n), n)
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				mu.Lock()
				statuses[resp.StatusCode]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return statuses
}

// settled waits until there are no more goroutines than before, and the heap has grown by no more than so many bytes.
func settled(t testing.TB, goroutines int, heap uint64, grown uint64) {
	t.Helper()
	harness.Eventually(t, "goroutines end and memory is freed", func() error {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if n := runtime.NumGoroutine(); n > goroutines+10 || m.HeapAlloc > heap+grown {
			return fmt.Errorf("%d goroutines, %d before; a heap of %d bytes, %d before", n, goroutines, m.HeapAlloc, heap)
		}
		return nil
	})
}

// Who makes up names, tickets and mounts at a slave gets an error, costs it no memory, and does not reach the master.
func TestFloodsOfWhatIsMadeUpLeaveNothing(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	master, edge := c.Nodes["master"], c.Nodes["edge"]
	link := observe(t, master)
	users := filepath.Join(t.TempDir(), "users")
	harness.WriteFile(t, users, "bob:5f4dcc3b5aa765d61d8327deb882cf99\n") // password
	mounts := mirroredMount("") + "\nmount /secret.mp3 {\n hls {\n segment 1s\n }\n auth htpasswd " + users + "\n }\n"
	c.Load(map[string]string{
		"master": "role master" + mounts,
		"edge":   strings.ReplaceAll(strings.Replace(slave, "interval 2s", "interval 2s\n auth master", 1), "%master%", link.address) + mounts,
	})
	live, secret := master.NumberedSource("/live.mp3", 1), master.NumberedSource("/secret.mp3", 2)
	defer live.Down()
	defer secret.Down()
	edge.WaitForMount("/live.mp3")
	p := &playerHLS{t: t, s: edge, mount: "/live.mp3"}
	p.until("the master", func(last hlsSegment) bool { return last.mirrored(t, master) })
	lines := strings.Fields(string(loadHLSAs(t, edge, "bob:password@", "/secret.mp3.m3u8")))
	_, ticket, _ := strings.Cut(lines[len(lines)-1], "?s=")
	if len(ticket) < 30 {
		t.Fatalf("the entry has %q", lines)
	}
	forged := []byte(ticket)
	forged[5] ^= 1
	const requests = 1500
	const list = ".hls/index.m3u8"
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	for _, f := range []struct {
		name string
		path func(n int) string
		want int
	}{
		{"entries", func(int) string { return "/live.mp3.m3u8" }, http.StatusOK},
		{"entries without a password", func(int) string { return "/secret.mp3.m3u8" }, http.StatusUnauthorized},
		{"entries of mounts that never were", func(n int) string { return fmt.Sprintf("/never-%d.mp3.m3u8", n) }, http.StatusNotFound},
		{"forged tickets", func(int) string { return "/secret.mp3" + list + "?s=" + string(forged) }, http.StatusForbidden},
		{"cut tickets", func(n int) string { return "/secret.mp3" + list + "?s=" + ticket[:1+n%(len(ticket)-1)] }, http.StatusForbidden},
		{"tickets that nobody has signed", func(int) string { return "/secret.mp3" + list + "?s=" + strings.Repeat("A", 32) }, http.StatusForbidden},
		{"made-up tickets of a mount for all", func(n int) string { return fmt.Sprintf("/live.mp3%s?s=%032d", list, n) }, http.StatusOK},
		{"segments that never were", func(n int) string { return fmt.Sprintf("/live.mp3.hls/%d-%012x.mp3", n, n) }, http.StatusNotFound},
		{"files that never were", func(n int) string { return fmt.Sprintf("/live.mp3.hls/%d/../%%2e%%2e/init-%d.mp4", n, n) }, http.StatusNotFound},
	} {
		got := flood(t, edge, requests, f.path)
		if got[f.want] != requests {
			t.Errorf("%s: the answers are %v, want %d", f.name, got, f.want)
		}
	}
	settled(t, goroutines, before.HeapAlloc, 16<<20)
	p.until("the master after the floods", func(last hlsSegment) bool { return last.mirrored(t, master) })
	link.mu.Lock()
	defer link.mu.Unlock()
	if len(link.failed) > 0 {
		t.Errorf("of the master was asked what it does not have: %q", link.failed)
	}
	for at, n := range link.asked {
		if strings.HasSuffix(at, ".mp3") && n > 1 {
			t.Errorf("%s was pulled %d times", at, n)
		}
	}
}

// loadHLSAs is loadHLS with the credentials of a user, "name:password@".
func loadHLSAs(t testing.TB, s *harness.Server, user, path string) (body []byte) {
	t.Helper()
	harness.Eventually(t, path+" is answered", func() error {
		resp, err := http.Get("http://" + user + s.Plain + path)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if body, err = io.ReadAll(resp.Body); err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("answered %s", resp.Status)
		}
		return err
	})
	return body
}

// Two nodes that each pull what the other has: neither loads more of the other than a list and a file for each
// segment, or as much again that came too early, while a source is there, and nothing once it is gone.
func TestACircleOfMastersLoadsNothingWithoutEnd(t *testing.T) {
	c := harness.NewCluster(t, "left", "right")
	left, right := c.Nodes["left"], c.Nodes["right"]
	toLeft, toRight := observe(t, left), observe(t, right)
	c.Load(map[string]string{
		"left":  strings.ReplaceAll(slave, "%master%", toRight.address) + mirroredMount(""),
		"right": strings.ReplaceAll(slave, "%master%", toLeft.address) + mirroredMount(""),
	})
	live := left.NumberedSource("/live.mp3", 1)
	right.WaitForMount("/live.mp3")
	p := &playerHLS{t: t, s: right, mount: "/live.mp3"}
	p.until("the source", func(last hlsSegment) bool { return last.mirrored(t, left) })
	first, asked := p.next, toLeft.total()
	p.until("more of it", func(last hlsSegment) bool { return last.mirrored(t, left) && last.Sequence > first+5 })
	if n, most := toLeft.total()-asked, 4*int(p.next-first); n > most {
		t.Errorf("for %d segments there were %d requests, want %d at most", p.next-first, n, most)
	}
	if n := toRight.total(); n > 0 {
		t.Errorf("the node with the source has asked the other %d times: %v", n, toRight.asked)
	}
	live.Down()
	for _, s := range []*harness.Server{left, right} {
		harness.Eventually(t, "the mount is gone", func() error { return answers(t, s, "/live.mp3", http.StatusNotFound) })
	}
	asked = toLeft.total() + toRight.total()
	for range 3 {
		_ = answers(t, left, "/live.mp3.hls/0-0.mp3", http.StatusNotFound)
		listHLS(t, right, "/live.mp3", "") // it stands still
		listHLS(t, left, "/live.mp3", "")
	}
	if n := toLeft.total() + toRight.total() - asked; n > 6 {
		t.Errorf("without a source there were %d requests", n)
	}
}
