package command

import (
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// slaveCommand returns the commands for the slaves of a master.
func slaveCommand() *cobra.Command {
	root := &cobra.Command{Use: "slave", Short: "Lists, drains and removes slaves of a master"}
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("unknown subcommand %q; expected list, drain or remove", args[0])
		}
		return cmd.Help()
	}
	drain := subcommand("drain <id>|<name>|<url>", "Sends no more listeners to a slave, until it is gone", cobra.ExactArgs(1), (*client).drain)
	drain.Flags().Bool("off", false, "Send listeners there again")
	root.AddCommand(
		subcommand("list", "Lists slaves", cobra.NoArgs, (*client).slaves), drain,
		subcommand("remove <id>|<name>|<url>", "Removes a slave, and rejects its reports for ten minutes", cobra.ExactArgs(1), (*client).remove),
	)
	return root
}

func (c *client) slaves([]string) error {
	return list(c, "slaves", c.query(nil), (*table).slaves)
}

func (c *client) drain(args []string) error {
	off := caddycmd.Flags{FlagSet: c.cmd.Flags()}.Bool("off")
	return c.act("slaves/drain", map[string]any{"slave": args[0], "off": off}, func(reply map[string]any) string {
		if reply["drained"] == false {
			return fmt.Sprintf("listeners are sent to %v again", reply["slave"])
		}
		return fmt.Sprintf("no more listeners are sent to %v", reply["slave"])
	})
}

func (c *client) remove(args []string) error {
	return c.act("slaves/remove", map[string]any{"slave": args[0]}, func(reply map[string]any) string {
		return fmt.Sprintf("slave %v was removed", reply["slave"])
	})
}
