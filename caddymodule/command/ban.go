package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddycast/caddycast/caddymodule/adminapi"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// addBan adds the commands for bans.
func addBan(root *cobra.Command) {
	ban := subcommand("ban address|network|agent|user <value>", "Bans clients, and disconnects those that are there", cobra.ExactArgs(2), (*client).ban)
	ban.Flags().String("for", "", "How long, such as 24h or 30d; without it for ever")
	ban.Flags().String("reason", "", "A note that is listed with the ban")
	root.AddCommand(ban,
		subcommand("unban <id>|<value>...", "Takes bans back", cobra.MinimumNArgs(1), (*client).unban),
		subcommand("bans", "Lists bans", cobra.NoArgs, (*client).bans))
}

func (c *client) ban(args []string) error {
	flags := caddycmd.Flags{FlagSet: c.cmd.Flags()}
	switch args[0] {
	case "address", "network", "agent", "user":
	default:
		return fmt.Errorf("%q: unknown kind of ban; expected address, network, agent or user", args[0])
	}
	body := map[string]any{args[0]: args[1], "for": flags.String("for"), "reason": flags.String("reason")}
	return c.act("bans", body, func(reply map[string]any) string {
		b, _ := reply["ban"].(map[string]any)
		text := fmt.Sprintf("ban %v: %v %v is banned", b["id"], b["kind"], b["value"])
		if until, ok := b["until"].(string); ok {
			text += " until " + until
		}
		return fmt.Sprintf("%s; %v listeners and %v sources were disconnected", text, reply["listeners"], reply["sources"])
	})
}

func (c *client) bans([]string) error {
	return list(c, "bans", c.query(nil), (*table).bans)
}

// unban takes bans back, by their ids or by what they ban.
func (c *client) unban(args []string) error {
	body, err := c.ask(http.MethodGet, "bans", c.query(nil), nil)
	if err != nil {
		return err
	}
	defer body.Close()
	var all []adminapi.BanReport
	if err := json.NewDecoder(body).Decode(&all); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	var errs []error
	for _, arg := range args {
		found := false
		for _, b := range all {
			if b.ID == arg || b.Value == arg {
				found = true
				errs = append(errs, c.unbanOne(&b))
			}
		}
		if !found {
			errs = append(errs, fmt.Errorf("%q: unknown ban; expected an id or a value that 'caddy icecast bans' shows", arg))
		}
	}
	return errors.Join(errs...)
}

func (c *client) unbanOne(b *adminapi.BanReport) error {
	q := c.query(nil)
	q.Set("station", b.Station)
	q.Set("id", b.ID)
	answer, err := c.ask(http.MethodDelete, "bans", q, nil)
	if err != nil {
		return err
	}
	defer answer.Close()
	var reply map[string]any
	if shown, err := c.read(answer, &reply); shown || err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, response.Printable(fmt.Sprintf("%s %s is not banned any more", b.Kind, b.Value)))
	return err
}

func (s *table) bans(all []adminapi.BanReport) {
	s.heading("STATION", "ID", "BANNED", "VALUE", "SINCE", "UNTIL", "BY", "FROM", "REASON")
	for _, b := range all {
		until := "-"
		if !b.Until.IsZero() {
			until = b.Until.Local().Format(time.DateTime)
		}
		s.row(b.Station, b.ID, b.Kind, b.Value, b.At.Local().Format(time.DateTime), until, dash(b.By), dash(b.From), dash(b.Reason))
	}
}
