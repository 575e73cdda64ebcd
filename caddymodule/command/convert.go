package command

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/caddycast/caddycast/caddymodule/adapter"
)

// convertCommand prints the Caddyfile that an icecast.xml is converted to.
func convertCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "convert <icecast.xml>",
		Short: "Prints the Caddyfile that replaces an icecast.xml; warnings go to the standard error",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cmd.SilenceUsage = true
			return convert(args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

func convert(file string, out, errs io.Writer) error {
	body, err := os.ReadFile(file) //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	converted, warnings, err := adapter.Convert(file, body)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		if _, err := fmt.Fprintf(errs, "%s:%d: <%s>: %s\n", w.File, w.Line, w.Directive, w.Message); err != nil {
			return err
		}
	}
	_, err = out.Write(converted.Caddyfile)
	return err
}
