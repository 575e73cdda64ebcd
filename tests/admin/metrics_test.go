package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// scraped returns what Prometheus would get.
func scraped(s *harness.Server) string {
	s.T.Helper()
	resp, err := http.Get("http://" + s.AdminAddress + "/metrics")
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.T.Fatalf("metrics are answered %s, %s: %v", resp.Status, text, err)
	}
	return string(text)
}

// metric returns the value of a series, -1 if it is not there.
func metric(s *harness.Server, series string) float64 {
	s.T.Helper()
	for line := range strings.Lines(scraped(s)) {
		if text, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				s.T.Fatal(err)
			}
			return v
		}
	}
	return -1
}

// metrics waits until series have values.
func metrics(s *harness.Server, what string, want map[string]float64) {
	s.T.Helper()
	harness.Eventually(s.T, what, func() error {
		for series, v := range want {
			if got := metric(s, series); got != v {
				return fmt.Errorf("%s is %v; want %v", series, got, v)
			}
		}
		return nil
	})
}

func TestMetricsGoOnOverReloadsAndSources(t *testing.T) {
	settings := func(more string) string {
		return `icecast {
		source_password hackme
		on listener_added exec /bin/true
		mount /live.mp3 {
			fallback /backup.mp3
		}
		mount /never.mp3 {
			` + more + `
		}
	}`
	}
	s := harness.Start(t, settings(""))
	on := func(name, mount, labels string) string {
		if labels != "" {
			labels = "," + labels
		}
		return `icecast_` + name + `{mount="` + mount + `"` + labels + `,station="default"}`
	}
	metrics(s, "mounts are watched before they have a source", map[string]float64{
		on("source_up", "/never.mp3", ""): 0, on("source_up", "/live.mp3", ""): 0,
	})
	live, backup := s.NumberedSource("/live.mp3", 1), s.NumberedSource("/backup.mp3", 2)
	defer backup.Down()
	w, other := s.ListenVerifying("/live.mp3", harness.HTTP1Metadata, false), s.ListenVerifying("/live.mp3", harness.HTTP2, true)
	harness.WaitForSource(t, "at home", 1, w, other)
	plain := func(n float64) map[string]float64 {
		return map[string]float64{
			`icecast_listeners{mount="/live.mp3",protocol="HTTP/1.1",station="default",tls="false"}`:                  1,
			`icecast_listener_connections_total{mount="/live.mp3",protocol="HTTP/1.1",station="default",tls="false"}`: 1,
			`icecast_listeners{mount="/live.mp3",protocol="HTTP/2.0",station="default",tls="true"}`:                   n,
			`icecast_listener_connections_total{mount="/live.mp3",protocol="HTTP/2.0",station="default",tls="true"}`:  1,
			on("listeners_ended_total", "/live.mp3", `reason="departed"`):                                             1 - n,
			on("source_up", "/live.mp3", ""):                  1,
			on("source_connections_total", "/live.mp3", ""):   1,
			on("mount_feed", "/live.mp3", `state="own"`):      1,
			on("mount_feed", "/live.mp3", `state="fallback"`): 0,
		}
	}
	metrics(s, "listeners are counted", plain(1))
	read, sent := metric(s, on("source_bytes_total", "/live.mp3", "")), metric(s, on("listener_bytes_total", "/live.mp3", ""))
	if read < 1000 || sent < 1000 {
		t.Errorf("%v bytes were read, %v sent", read, sent)
	}
	passes := `icecast_shard_pass_seconds_count{station="default"}`
	var before float64
	harness.Eventually(t, "a pass is counted", func() error { // at its end, after the bytes
		if before = metric(s, passes); before < 1 {
			return errors.New("there is none")
		}
		return nil
	})
	if err := s.Reload(settings("max_listeners 5")); err != nil {
		t.Fatal(err)
	}
	other.Stop()
	metrics(s, "a reload changes nothing", plain(0))
	if now := metric(s, passes); now < before {
		t.Errorf("%v passes, after %v", now, before)
	}
	live.Down()
	harness.WaitForSource(t, "the fallback", 2, w)
	metrics(s, "the source is missed", map[string]float64{
		on("source_up", "/live.mp3", ""):                  0,
		on("mount_feed", "/live.mp3", `state="own"`):      0,
		on("mount_feed", "/live.mp3", `state="fallback"`): 1,
		on("source_bitrate", "/live.mp3", ""):             0,
	})
	if now := metric(s, on("source_bytes_total", "/live.mp3", "")); now < read {
		t.Errorf("%v bytes were read, after %v", now, read)
	}
	w.Stop()
	metrics(s, "the mount is counted when it is no more", map[string]float64{
		on("listeners_ended_total", "/live.mp3", `reason="departed"`): 2,
		on("source_connections_total", "/live.mp3", ""):               1,
		on("mount_feed", "/live.mp3", `state="nothing"`):              1,
		`icecast_hook_queue_events{hook="exec",station="default"}`:    0,
	})
	live.Up()
	metrics(s, "it goes on where it was", map[string]float64{
		on("listeners_ended_total", "/live.mp3", `reason="departed"`): 2,
		on("source_connections_total", "/live.mp3", ""):               2,
	})
	live.Down()
}

// A listener's request must not make the metrics unreadable, nor be in them.
func TestNothingOfAClientIsInTheMetrics(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
		mount /* {
			fallback /live.mp3
		}
	}`)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	for i, path := range []string{"/a%ffb", "/a%22%0a%5c", "/live.mp3?token=secret-token"} {
		conn := s.Dial(false)
		if resp, _ := harness.SendHead(t, conn, "GET "+path+" HTTP/1.7\r\nHost: x\r\nUser-Agent: secret-agent\r\n\r\n"); i == 2 && resp.StatusCode != http.StatusOK {
			t.Errorf("%s is answered %s", path, resp.Status)
		}
	}
	text := scraped(s)
	if strings.Contains(text, "secret-") {
		t.Error("the metrics tell of a client")
	}
	metrics(s, "the listener is counted", map[string]float64{`icecast_listeners{mount="/live.mp3",protocol="other",station="default",tls="false"}`: 1})
	cmd := exec.Command(harness.Program(t, "promtool"), "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, _ := cmd.CombinedOutput(); strings.Contains(string(out), "icecast_") || strings.Contains(string(out), "error while linting") {
		t.Errorf("promtool says:\n%s", out)
	}
}

// prometheus runs Debian's, which scrapes a server, and returns what asks it.
func prometheus(t *testing.T, s *harness.Server) func(query string) (values []float64, err error) {
	t.Helper()
	dir, at := t.TempDir(), harness.FreeAddress(t)
	harness.WriteFile(t, filepath.Join(dir, "prometheus.yml"), `
scrape_configs:
  - job_name: icecast
    scrape_interval: 250ms
    static_configs:
      - targets: ["`+s.AdminAddress+`"]
`)
	_, out := harness.Launch(t, "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+at)
	ask := func(query string) ([]float64, error) {
		resp, err := http.Get("http://" + at + "/api/v1/query?query=" + url.QueryEscape(query))
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		var answer struct {
			Status, Error string
			Data          struct {
				Result []struct{ Value [2]any }
			}
		}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Status != "success" {
			return nil, fmt.Errorf("%s: %s, %w", query, answer.Error, err)
		}
		var values []float64
		for _, r := range answer.Data.Result {
			v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
		return values, nil
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("prometheus says:\n%.3000s", out)
		}
	})
	return ask
}

func TestPrometheusScrapesAndTheDashboardFindsAllThatItShows(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	w := s.ListenVerifying("/live.mp3", harness.HTTP1, false)
	ask := prometheus(t, s)
	is := func(query string, want float64) {
		t.Helper()
		harness.Eventually(t, fmt.Sprintf("%s is %v", query, want), func() error {
			if got, err := ask(query); err != nil || !slices.Equal(got, []float64{want}) {
				return fmt.Errorf("%v: %w", got, err)
			}
			return nil
		})
	}
	is(`sum(icecast_listeners{mount="/live.mp3"})`, 1)
	is(`icecast_source_up{mount="/live.mp3"}`, 1)
	is(`sum(increase(icecast_source_bytes_total[1m])) > bool 1000`, 1)
	for i := range 3 {
		if err := s.Reload(harness.Station, fmt.Sprint("# ", i)); err != nil {
			t.Fatal(err)
		}
	}
	is(`histogram_quantile(0.9, sum by (le) (rate(icecast_delay_seconds_bucket[1m]))) < bool 2.5`, 1)
	is(`count(up == 1)`, 1)
	is(`max(resets(icecast_source_bytes_total[5m])) + max(resets(icecast_listener_bytes_total[5m])) + max(resets(icecast_shard_pass_seconds_count[5m]))`, 0)

	text, err := os.ReadFile("../../docs/reference/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	variables := strings.NewReplacer("$__rate_interval", "1m", "$station", ".*", "$mount", ".*")
	name := regexp.MustCompile(`icecast_[a-z_]+`)
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			shown++
			query := variables.Replace(target.Expr)
			if _, err := ask(query); err != nil {
				t.Errorf("%s: %v", p.Title, err)
			}
			for _, metric := range name.FindAllString(query, -1) {
				metric = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(metric, "")
				if !strings.Contains(string(page), "`"+metric+"`") {
					t.Errorf("%s: %s is not in docs/reference/metrics.md", p.Title, metric)
				}
			}
		}
	}
	if shown < 10 {
		t.Errorf("the dashboard asks %d times", shown)
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (icecast_\S+)`).FindAllStringSubmatch(scraped(s), -1) {
		if !strings.Contains(string(page), "`"+m[1]+"`") {
			t.Errorf("%s is not in docs/reference/metrics.md", m[1])
		}
	}
	harness.CheckAll(t, w)
}
