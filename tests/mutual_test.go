package tests

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// A master may want a certificate of its slaves, by Caddy's client_auth; the password
// alone is not enough then.
func TestNodesKnowEachOtherByTheirCertificates(t *testing.T) {
	dir := t.TempDir() // of the slaves
	if err := makeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	c := newCluster(t, "master", "edge", "single", "stranger")
	master := c.nodes["master"]
	at := "https://localhost:" + port(master.tls)
	trust := fmt.Sprintf("tls_trust %s/cert.pem\n", storage)
	shown := fmt.Sprintf("tls_client_auth %[1]s/cert.pem %[1]s/key.pem\n", dir)
	role := "role slave {\n master " + at + "\n password pullme\n interval 2s\n" + trust
	config := c.caddyfile(map[string]string{
		"edge":     role + shown + "}",
		"single":   "relay /live.mp3 " + at + "/live.mp3 {\n" + trust + shown + "}",
		"stranger": role + "}",
	})
	site := fmt.Sprintf("tls %[1]s/cert.pem %[1]s/key.pem", storage)
	config = strings.Replace(config, site, site+fmt.Sprintf(` {
		client_auth {
			mode require_and_verify
			trust_pool file %s
		}
	}`, filepath.Join(dir, "cert.pem")), 1) // the first site over TLS is the master's
	if err := master.loadRaw(config); err != nil {
		t.Fatal(err)
	}
	live := master.numberedSource("/live.mp3", 1)
	onBoth := func() []*witness {
		return append(c.nodes["edge"].onSlave("/live.mp3"), c.nodes["single"].onSlave("/live.mp3")...)
	}
	all := onBoth()
	hears(t, "over mutual TLS", 1, all...)
	eventually(t, "the stranger is refused for what he lacks", func() error {
		if text, err := readFile(master.logFile()); err != nil || !strings.Contains(text, "tls: client didn't provide a certificate") {
			return errors.Join(errors.New("the log says nothing"), err)
		}
		return nil
	})
	resp, err := http.Get("http://" + c.nodes["stranger"].plain + "/live.mp3")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("the stranger answers %s", resp.Status)
	}

	// Certificates are replaced: links stay, and those that are opened later show the new one.
	if err := makeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	if err := master.loadRaw(config); err != nil {
		t.Fatal(err)
	}
	was := all[0].heardUpTo.Load()
	eventually(t, "the links play on", func() error {
		if now := all[0].heardUpTo.Load(); now < was+50 {
			return fmt.Errorf("frame %d, after %d", now, was)
		}
		return nil
	})
	whole(t, all...)
	live.down()
	live = master.numberedSource("/live.mp3", 2)
	defer live.down()
	all = onBoth()
	hears(t, "over links that were opened anew", 2, all...)
	whole(t, all...)
}
