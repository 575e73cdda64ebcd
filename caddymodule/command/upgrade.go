package command

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddycast/caddycast/caddymodule/adminapi"
	"github.com/caddycast/caddycast/caddymodule/upgrade"
)

// addUpgrade adds the command that replaces the program.
func addUpgrade(root *cobra.Command) {
	cmd := subcommand("upgrade", "Replaces the running program, with its configuration, and drops nobody", cobra.NoArgs, (*client).upgrade)
	cmd.Flags().String("binary", "", "Path of the new program, if not that of the running one")
	cmd.Flags().String("max", upgrade.DefaultMax.String(), "How long the older process may pass on streams that it has to decrypt")
	root.AddCommand(cmd)
}

func (c *client) upgrade([]string) error {
	flags := caddycmd.Flags{FlagSet: c.cmd.Flags()}
	body := map[string]string{"max": flags.String("max")}
	if binary := flags.String("binary"); binary != "" {
		path, err := filepath.Abs(binary) // the server may be in another folder
		if err != nil {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			return err
		}
		body["binary"] = path
	}
	answer, err := c.ask(http.MethodPost, "upgrade", nil, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	var done adminapi.Upgraded
	if shown, err := c.read(answer, &done); shown || err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "process %d has taken over\n", done.Process)
	return err
}
