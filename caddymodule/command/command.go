// Package command is the command `caddy icecast`, which reports on the stations of a running
// Caddy and acts on them, and converts an icecast.xml.
//
// All subcommands but convert are clients of the admin endpoint, with the report types of package
// adminapi: a table for people, or JSON with --json. Everything from outside is printed
// without control characters. The package runs in a process of its own: it has no station,
// and nothing imports it but the program.
package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddycast/caddycast/caddymodule/adminapi"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/icy"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "icecast",
		Usage: "status|mounts|listeners|kick|move|kill|metadata|orders|ban|unban|bans|slave|drain|undrain|upgrade|events|convert",
		Short: "Shows and changes the stations of a running Caddy; converts icecast.xml",
		Long: `
Uses the admin endpoint of a running Caddy, as 'caddy reload' does. The output is a
table; with --json it is JSON, for programs.

'convert' needs no running Caddy: it prints the Caddyfile that replaces an icecast.xml.`,
		CobraFunc: addCommands,
	})
}

// addCommands adds the subcommands.
func addCommands(root *cobra.Command) {
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("unknown subcommand %q; expected one that 'caddy icecast --help' lists", args[0])
		}
		return cmd.Help()
	}
	flags := root.PersistentFlags()
	flags.String("address", "", "The address to use to reach the admin API endpoint, if not the default")
	flags.StringP("config", "c", "", "Configuration file to use to parse the admin address, if --address is not used")
	flags.StringP("adapter", "a", "", "Name of config adapter to apply (when --config is used)")
	flags.String("station", "", "Name of the station; it may be left out if there is one, or to see all")
	flags.Bool("json", false, "Print JSON, for programs")
	add := func(use, short string, args cobra.PositionalArgs, run func(*client, []string) error) *cobra.Command {
		cmd := subcommand(use, short, args, run)
		root.AddCommand(cmd)
		return cmd
	}
	status := add("status", "Shows stations, mounts, relays, masters and slaves", cobra.NoArgs, (*client).status)
	status.Flags().BoolP("watch", "w", false, "Show it again every second, until interrupted")
	add("mounts [<mount>]", "Lists mounts", cobra.MaximumNArgs(1), (*client).mounts)
	add("listeners [<mount>]", "Lists listeners", cobra.MaximumNArgs(1), (*client).listeners)
	kick := add("kick <id>...", "Disconnects listeners", cobra.MinimumNArgs(1), (*client).kick)
	addNode(kick)
	move := add("move <mount>|<id> <mount>", "Moves the listeners of a mount, or one listener, to another mount", cobra.ExactArgs(2), (*client).move)
	addNode(move)
	move.Flags().Bool("slaves", false, "Move the slaves of the mount, too, and so all their listeners")
	add("kill <mount>", "Disconnects the source of a mount", cobra.ExactArgs(1), (*client).kill)
	title := add("metadata <mount> <song>", "Sets the title of a mount", cobra.ExactArgs(2), (*client).metadata)
	title.Flags().String("artist", "", "The artist; the song is then the title alone")
	title.Flags().String("url", "", "A URL that is sent with the title")
	root.AddCommand(slaveCommand())
	addBan(root)
	add("orders", "Lists the last orders of administrators", cobra.NoArgs, (*client).orders)
	addDrain(root)
	addUpgrade(root)
	events := add("events [<mount>]", "Shows events, until interrupted", cobra.MaximumNArgs(1), (*client).events)
	events.Flags().StringSlice("event", nil, "Show these events only, such as source_connected")
	root.AddCommand(convertCommand())
}

// subcommand returns a command that is a client of the admin endpoint. Its errors are printed as
// they are: Caddy's wrapper for commands would log them, as JSON if nobody looks at a terminal.
func subcommand(use, short string, args cobra.PositionalArgs, run func(*client, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		c, err := newClient(cmd)
		if err != nil {
			return err
		}
		return run(c, args)
	}}
}

// client is a client of the admin endpoint.
type client struct {
	cmd     *cobra.Command
	address string
	station string
	json    bool
	out     io.Writer
}

func newClient(cmd *cobra.Command) (*client, error) {
	flags := caddycmd.Flags{FlagSet: cmd.Flags()}
	address, err := caddycmd.DetermineAdminAPIAddress(flags.String("address"), nil, flags.String("config"), flags.String("adapter"))
	if err != nil {
		return nil, fmt.Errorf("couldn't determine admin API address: %w", err)
	}
	return &client{
		cmd: cmd, address: address, station: flags.String("station"), json: flags.Bool("json"),
		out: os.Stdout,
	}, nil
}

// ask sends a request, on a connection of its own, and returns the body of the answer.
func (c *client) ask(method, call string, query url.Values, body any) (io.ReadCloser, error) {
	uri := adminapi.Prefix + call
	if len(query) > 0 {
		uri += "?" + query.Encode()
	}
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(b)
	}
	resp, err := caddycmd.AdminAPIRequest(c.address, method, uri, http.Header{"Connection": {"close"}}, sent)
	if err != nil {
		return nil, inWords(err)
	}
	return resp.Body, nil
}

// inWords returns the error of an answer without the JSON around it.
func inWords(err error) error {
	_, body, _ := strings.Cut(err.Error(), ": {")
	var answer caddy.APIError
	if json.Unmarshal([]byte("{"+body), &answer) != nil || answer.Message == "" {
		return err
	}
	return errors.New(icy.Clean(answer.Message))
}

// queryOf returns the query of a request with a method: that of a report names the station.
func (c *client) queryOf(method string) url.Values {
	if method != http.MethodGet {
		return nil
	}
	return c.query(nil)
}

// query names the station and, if there is one, the mount.
func (c *client) query(mount []string) url.Values {
	q := make(url.Values)
	if c.station != "" {
		q.Set("station", c.station)
	}
	if len(mount) > 0 {
		q.Set("mount", mount[0])
	}
	return q
}

// list requests a list and prints it as JSON or by table.
func list[T any](c *client, call string, query url.Values, table func(*table, []T)) error {
	body, err := c.ask(http.MethodGet, call, query, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	var all []T
	if shown, err := c.read(body, &all); shown || err != nil {
		return err
	}
	s := newTable()
	table(s, all)
	return s.print(c.out)
}

// read reads an answer. With --json it prints it, and reports that it is shown.
func (c *client) read(body io.Reader, answer any) (shown bool, err error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return false, fmt.Errorf("reading the answer: %w", err)
	}
	if c.json {
		_, err = c.out.Write(text)
		return true, err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return false, fmt.Errorf("reading the answer: %w", err)
	}
	return false, nil
}

func (c *client) mounts(args []string) error {
	return list(c, "mounts", c.query(args), (*table).mounts)
}

func (c *client) listeners(args []string) error {
	return list(c, "listeners", c.query(args), (*table).listeners)
}

// act requests an action and prints its answer as JSON or as a sentence.
func (c *client) act(call string, body map[string]any, sentence func(reply map[string]any) string) error {
	if c.station != "" {
		body["station"] = c.station
	}
	c.name(body)
	answer, err := c.ask(http.MethodPost, call, nil, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	text, err := io.ReadAll(answer)
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if c.json {
		_, err = c.out.Write(text)
		return err
	}
	var reply map[string]any
	if err := json.Unmarshal(text, &reply); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	_, err = fmt.Fprintln(c.out, response.Printable(c.said(reply, sentence)))
	return err
}

func (c *client) kick(args []string) error {
	var errs []error
	for _, arg := range args {
		id, err := strconv.ParseUint(arg, 10, 64)
		if err == nil {
			err = c.act("kick", map[string]any{"id": id}, func(reply map[string]any) string {
				return fmt.Sprintf("listener %d of %v was disconnected", id, reply["mount"])
			})
		} else {
			err = fmt.Errorf("%q: invalid listener; expected a number that 'caddy icecast listeners' shows", arg)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c *client) move(args []string) error {
	if id, err := strconv.ParseUint(args[0], 10, 64); err == nil {
		return c.act("move", map[string]any{"id": id, "to": args[1]}, func(reply map[string]any) string {
			return fmt.Sprintf("listener %d of %v hears %v", id, reply["mount"], reply["to"])
		})
	}
	slaves := caddycmd.Flags{FlagSet: c.cmd.Flags()}.Bool("slaves")
	return c.act("move", map[string]any{"mount": args[0], "to": args[1], "slaves": slaves}, func(reply map[string]any) string {
		if slaves {
			return fmt.Sprintf("%v listeners and %v slaves of %v hear %v", reply["moved"], reply["slaves"], reply["mount"], reply["to"])
		}
		return fmt.Sprintf("%v listeners of %v hear %v; its slaves stay", reply["moved"], reply["mount"], reply["to"])
	})
}

func (c *client) kill(args []string) error {
	return c.act("kill", map[string]any{"mount": args[0]}, func(reply map[string]any) string {
		return fmt.Sprintf("the source of %v is ended", reply["killed"])
	})
}

func (c *client) metadata(args []string) error {
	body := map[string]any{"mount": args[0], "song": args[1]}
	flags := caddycmd.Flags{FlagSet: c.cmd.Flags()}
	if artist := flags.String("artist"); artist != "" {
		body = map[string]any{"mount": args[0], "artist": artist, "title": args[1]}
	}
	if at := flags.String("url"); at != "" {
		body["url"] = at
	}
	return c.act("metadata", body, func(reply map[string]any) string {
		if reply["changed"] == false {
			return fmt.Sprintf("%v has that title already", reply["mount"])
		}
		return fmt.Sprintf("the title of %v is set", reply["mount"])
	})
}
