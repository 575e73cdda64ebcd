package command

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddycast/caddycast/caddymodule/adminapi"
)

// addNode adds the flag of commands that another node may carry out.
func addNode(cmd *cobra.Command) {
	cmd.Flags().String("node", "", "The node of the cluster that is to do it, by its id or host name; without it this one")
}

// name puts the node that is to do it into the body of a request.
func (c *client) name(body map[string]any) {
	if f := c.cmd.Flags().Lookup("node"); f != nil && f.Value.String() != "" {
		body["node"] = f.Value.String()
	}
}

// said returns what an answer says, also of what is done at other nodes of a cluster.
func (c *client) said(reply map[string]any, sentence func(map[string]any) string) string {
	pending := reply["pending"] == true
	if sent, ok := reply["sent"]; ok {
		if pending {
			return fmt.Sprintf("%v is sent to node %v as soon as the cluster is connected", sent, reply["node"])
		}
		return fmt.Sprintf("%v was sent to node %v", sent, reply["node"])
	}
	text := sentence(reply)
	if nodes, ok := reply["nodes"]; ok {
		if text += fmt.Sprintf("; sent to %v other nodes", nodes); pending {
			text += " as soon as the cluster is connected"
		}
	}
	return text
}

func (c *client) orders([]string) error { return list(c, "orders", c.query(nil), (*table).orders) }

func (s *table) orders(all []adminapi.OrderReport) {
	s.heading("STATION", "AT", "ORDER", "WHAT", "BY", "FROM", "GIVEN AT", "RESULT")
	for _, o := range all {
		var what []string
		for _, text := range []string{o.Mount, o.To, o.Artist, o.Title, o.Over} {
			if text != "" {
				what = append(what, text)
			}
		}
		if o.ID != 0 {
			what = append(what, fmt.Sprint("listener ", o.ID))
		}
		result := "done"
		if o.Nodes > 0 {
			result = fmt.Sprintf("sent to %d nodes", o.Nodes)
		}
		if o.Pending {
			result = "pending"
		}
		s.row(o.Station, o.At.Local().Format(time.DateTime), o.Kind, dash(strings.Join(what, " ")), dash(o.By), dash(o.From), o.GivenAt,
			cmp.Or(o.Failed, result))
	}
}
