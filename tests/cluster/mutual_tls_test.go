package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// A master may want a certificate of its slaves, by Caddy's client_auth; the password
// alone is not enough then.
func TestNodesKnowEachOtherByTheirCertificates(t *testing.T) {
	dir := t.TempDir() // of the slaves
	if err := harness.MakeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	c := harness.NewCluster(t, "master", "edge", "single", "stranger")
	master := c.Nodes["master"]
	at := "https://localhost:" + harness.Port(master.TLS)
	trust := fmt.Sprintf("tls_trust %s/cert.pem\n", harness.Storage)
	shown := fmt.Sprintf("tls_client_auth %[1]s/cert.pem %[1]s/key.pem\n", dir)
	role := "role slave {\n master " + at + "\n password pullme\n interval 2s\n" + trust
	config := c.Caddyfile(map[string]string{
		"edge":     role + shown + "}",
		"single":   "relay /live.mp3 " + at + "/live.mp3 {\n" + trust + shown + "}",
		"stranger": role + "}",
	})
	site := fmt.Sprintf("tls %[1]s/cert.pem %[1]s/key.pem", harness.Storage)
	config = strings.Replace(config, site, site+fmt.Sprintf(` {
		client_auth {
			mode require_and_verify
			trust_pool file %s
		}
	}`, filepath.Join(dir, "cert.pem")), 1) // the first site over TLS is the master's
	if err := master.LoadCaddyfile(config); err != nil {
		t.Fatal(err)
	}
	live := master.NumberedSource("/live.mp3", 1)
	onBoth := func() []*harness.VerifyingListener {
		return append(onSlave(c.Nodes["edge"], "/live.mp3"), onSlave(c.Nodes["single"], "/live.mp3")...)
	}
	all := onBoth()
	harness.WaitForSource(t, "over mutual TLS", 1, all...)
	harness.Eventually(t, "the stranger is refused for what he lacks", func() error {
		if text, err := harness.TryReadFile(master.LogFile()); err != nil || !strings.Contains(text, "tls: client didn't provide a certificate") {
			return errors.Join(errors.New("the log says nothing"), err)
		}
		return nil
	})
	resp, err := http.Get("http://" + c.Nodes["stranger"].Plain + "/live.mp3")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("the stranger answers %s", resp.Status)
	}

	// Certificates are replaced: links stay, and those that are opened later show the new one.
	if err := harness.MakeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	if err := master.LoadCaddyfile(config); err != nil {
		t.Fatal(err)
	}
	was := all[0].HeardFrame.Load()
	harness.Eventually(t, "the links play on", func() error {
		if now := all[0].HeardFrame.Load(); now < was+50 {
			return fmt.Errorf("frame %d, after %d", now, was)
		}
		return nil
	})
	harness.CheckAll(t, all...)
	live.Down()
	live = master.NumberedSource("/live.mp3", 2)
	defer live.Down()
	all = onBoth()
	harness.WaitForSource(t, "over links that were opened anew", 2, all...)
	harness.CheckAll(t, all...)
}
