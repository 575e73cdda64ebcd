package adminapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/upgrade"
)

// upgradeCall replaces the program.
const upgradeCall = "upgrade"

// Upgraded is the answer to an upgrade.
type Upgraded struct {
	Process int `json:"process"` // number of the new one
}

// upgradeBody is the body of an upgrade.
type upgradeBody struct {
	Binary string `json:"binary"`
	Max    string `json:"max"`
}

// serveUpgrade replaces the program by another one, with the configuration in force.
func serveUpgrade(w http.ResponseWriter, r *http.Request) error {
	var body upgradeBody
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	o := upgrade.Options{Binary: body.Binary, Max: upgrade.DefaultMax}
	if body.Max != "" {
		limit, err := caddy.ParseDuration(body.Max)
		if err != nil || limit <= 0 {
			return errorf(http.StatusBadRequest, "max %.100q: no duration; expected one such as 12h", body.Max)
		}
		o.Max = limit
	}
	o.Config = func() ([]byte, error) { return configInForce(r) }
	pid, err := upgrade.Begin(o)
	if err != nil {
		return notUpgraded(err)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(Upgraded{Process: pid})
}

// notUpgraded returns the answer to an upgrade that has failed. One that another upgrade or a reload has
// forestalled can be tried again.
func notUpgraded(err error) error {
	status := http.StatusInternalServerError
	if errors.Is(err, upgrade.ErrUnderWay) || errors.Is(err, upgrade.ErrReloaded) {
		status = http.StatusConflict
	}
	return errorf(status, "upgrade: %w", err)
}

// configTime bounds the reading of the configuration.
const configTime = 10 * time.Second

// configInForce asks the admin endpoint for the configuration: Caddy has no other way to it. The request
// has the host and origin of the one that came.
func configInForce(r *http.Request) ([]byte, error) {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return nil, errors.New("the address of the admin endpoint is unknown")
	}
	var d net.Dialer
	client := http.Client{Timeout: configTime, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, local.Network(), local.String())
	}}}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://"+r.Host+"/config/", nil) //nolint:gosec // it goes to the address at which the request came
	if err != nil {
		return nil, err
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		req.Header.Set("Origin", origin)
	}
	resp, err := client.Do(req) //nolint:gosec // see above
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return text, err
}
