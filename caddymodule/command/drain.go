package command

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddycast/caddycast/caddymodule/adminapi"
	"github.com/caddycast/caddycast/caddymodule/state"
)

const (
	progressPause = time.Second
	barWidth      = 30 // characters
)

// addDrain adds the commands that drain the server.
func addDrain(root *cobra.Command) {
	drain := subcommand("drain", "Takes no listeners and sources any more, and ends those that are there one by one", cobra.NoArgs, (*client).drainStations)
	drain.Flags().String("over", state.DefaultDrain.String(), "The time over which the listeners are ended")
	drain.Flags().Bool("wait", false, "Wait until all are gone, and show how many are left")
	undrain := subcommand("undrain", "Takes listeners and sources again", cobra.NoArgs, (*client).undrainStations)
	addNode(drain)
	addNode(undrain)
	root.AddCommand(drain, undrain)
}

func (c *client) drainStations([]string) error {
	flags := caddycmd.Flags{FlagSet: c.cmd.Flags()}
	if flags.String("node") != "" {
		return c.act("drain", map[string]any{"over": flags.String("over")}, func(map[string]any) string { return "this node is drained" })
	}
	drains, err := c.postDrain("drain", map[string]any{"over": flags.String("over")})
	if err != nil || c.json && !flags.Bool("wait") {
		return err
	}
	if flags.Bool("wait") {
		return c.waitForDrain()
	}
	for _, d := range drains {
		_, _ = fmt.Fprintf(c.out, "%s: %d listeners end until %s\n", d.Station, d.Left, d.Until.Local().Format(time.TimeOnly))
	}
	return nil
}

func (c *client) undrainStations([]string) error {
	if (caddycmd.Flags{FlagSet: c.cmd.Flags()}).String("node") != "" {
		return c.act("undrain", map[string]any{}, func(map[string]any) string { return "this node takes listeners and sources" })
	}
	drains, err := c.postDrain("undrain", map[string]any{})
	if err != nil || c.json {
		return err
	}
	for _, d := range drains {
		_, _ = fmt.Fprintf(c.out, "%s: takes listeners and sources\n", d.Station)
	}
	return nil
}

// postDrain calls an action that answers with drains. With --json the answer is printed.
func (c *client) postDrain(call string, body map[string]any) (drains []adminapi.Drain, err error) {
	if c.station != "" {
		body["station"] = c.station
	}
	return c.drains(http.MethodPost, call, body, c.json)
}

// drains returns the drains of an answer, and prints it as JSON if it is to be shown.
func (c *client) drains(method, call string, body any, shown bool) (drains []adminapi.Drain, err error) {
	answer, err := c.ask(method, call, c.queryOf(method), body)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	text, err := io.ReadAll(answer)
	if err == nil {
		err = json.Unmarshal(text, &drains)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if shown {
		_, err = c.out.Write(text)
	}
	return drains, err
}

// waitForDrain shows how many listeners are left, until all stations are drained. It is an error if one
// is undrained before that.
func (c *client) waitForDrain() error {
	for {
		drains, err := c.drains(http.MethodGet, "drain", nil, c.json)
		if err != nil {
			return err
		}
		over := true
		for _, d := range drains {
			if !d.Draining {
				return fmt.Errorf("station %s: undrained; expected it to be drained to the end", d.Station)
			}
			over = over && d.Over
		}
		if !c.json {
			_, _ = io.WriteString(c.out, "\r"+progress(drains))
		}
		if over {
			if !c.json {
				_, _ = fmt.Fprintln(c.out)
			}
			return nil
		}
		time.Sleep(progressPause)
	}
}

// progress returns a line that shows how many listeners are left and have been ended.
func progress(drains []adminapi.Drain) string {
	start, left, ended, seconds := 0, 0, 0, 0
	for _, d := range drains {
		start, left, ended, seconds = start+d.AtStart, left+d.Left, ended+d.Ended, max(seconds, d.Seconds)
	}
	gone := barWidth
	if start > 0 {
		gone = barWidth * (start - min(left, start)) / start
	}
	return fmt.Sprintf("[%s%s] %d left, %d ended, %d s   ", strings.Repeat("#", gone), strings.Repeat(" ", barWidth-gone), left, ended, seconds)
}
