package adminapi

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddycast/caddycast/caddymodule/ban"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/cluster"
)

// BanReport is the report on a ban in force.
type BanReport struct {
	Station string `json:"station"`
	ban.Ban
}

func listBans(q query) (any, error) {
	return gather(q, func(st *state.Station) (all []BanReport) {
		for _, b := range st.Bans() {
			all = append(all, BanReport{st.StationName(), b})
		}
		return all
	})
}

// addBan bans clients.
func addBan(st *state.Station, req *actionBody) (any, error) {
	b, err := parseBan(req)
	if err != nil {
		return nil, errorf(http.StatusBadRequest, "%w", err)
	}
	b, ended, spread, err := st.Ban(b)
	if err != nil {
		return nil, errorf(http.StatusConflict, "ban: %w", err)
	}
	return spreadOf(st, spread, map[string]any{"ban": b, "listeners": ended.Listeners, "sources": ended.Sources}), nil
}

// parseBan returns the ban that a request asks for.
func parseBan(req *actionBody) (b ban.Ban, err error) {
	values := map[ban.Kind]string{ban.Address: req.Address, ban.Network: req.Network, ban.Agent: req.Agent, ban.User: req.User}
	count := 0
	for kind, value := range values {
		if value == "" {
			continue
		}
		if b, err = ban.Parse(kind, value); err != nil {
			return b, err
		}
		count++
	}
	if count != 1 {
		return b, errors.New("ban: expected one of address, network, agent and user")
	}
	if req.For != "" {
		over, ok := setting.ParseDuration(req.For)
		if !ok || over <= 0 || over > ban.MaxTime {
			return b, fmt.Errorf("for: invalid duration %.100q; expected one such as 24h or 30d, at most 10 years", req.For)
		}
		b.Until = time.Now().Add(over).UTC().Truncate(time.Millisecond)
	}
	if b.Reason = response.Printable(req.Reason); len(b.Reason) > ban.MaxText {
		return b, fmt.Errorf("reason: too long; expected at most %d bytes", ban.MaxText)
	}
	b.By, b.From = req.by, req.from
	return b, nil
}

// removeBan takes a ban back.
func removeBan(st *state.Station, req *actionBody) (any, error) {
	b, spread, err := st.Unban(req.named, req.by, req.from)
	if err != nil {
		return nil, errorf(http.StatusNotFound, "ban %.100q: %w", req.named, err)
	}
	return spreadOf(st, spread, map[string]any{"unbanned": b.ID, "kind": b.Kind, "value": b.Value}), nil
}

// spreadOf adds to an answer to how many other nodes something goes, and whether it has to wait.
func spreadOf(st *state.Station, spread cluster.Spread, reply map[string]any) map[string]any {
	if st.Peer() != nil {
		reply["nodes"], reply["pending"] = spread.Nodes, spread.IsPending
	}
	return reply
}
