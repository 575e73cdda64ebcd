package relay

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// probeTimeout bounds one verification of a URL.
	probeTimeout = 5 * time.Second

	// probeInterval is the time between two verifications of a URL.
	probeInterval = 30 * time.Second

	// probeRetry is the time after one that has failed; probeConfirm, after the first one of
	// a verified URL, which may be bad luck.
	probeRetry   = 5 * time.Second
	probeConfirm = time.Second

	// maxProbes bounds the verifications at a time.
	maxProbes = 16

	// maxProof bounds the answer, in bytes.
	maxProof = 256
)

// Probe is a URL of a slave that is to be verified.
type Probe struct {
	Base     string // the URL
	ID       string // of the slave
	Key      []byte // of the slave's proof
	IsListed bool   // the configuration lists the host, so that any answer is good
}

// Prober returns a function for Slaves.Verify, which fetches a proof over a URL. A redirect is no
// answer, and nothing of the answer but its status is in an error. agent is the field User-Agent.
func Prober(agent string) func(context.Context, Probe) error {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHead},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context, p Probe) error {
		at, want := p.Base+NodePath, ""
		if !p.IsListed { // else a challenge would only help others to guess the password
			var query url.Values
			query, want = newChallenge(p.Key, p.ID)
			at += "?" + query.Encode()
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
		if err != nil {
			return err
		}
		r.Header.Set("User-Agent", agent)
		resp, err := client.Do(r)
		if failed, ok := errors.AsType[*url.Error](err); ok {
			return failed.Err // without the query
		}
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if p.IsListed {
			return nil
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d from %s; expected the proof of a slave with the same password", resp.StatusCode, NodePath)
		}
		proof, err := io.ReadAll(io.LimitReader(resp.Body, maxProof))
		if err != nil {
			return fmt.Errorf("reading the proof: %w", err)
		}
		if !hmac.Equal([]byte(strings.TrimSpace(string(proof))), []byte(want)) {
			return errors.New("wrong proof; expected that of a slave with the same password")
		}
		return nil
	}
}
