package state

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming/relay"
)

// told is a runner that passes on its events.
type told chan string

func (c told) Run(_ context.Context, e *hooks.Event) error {
	text, err := json.Marshal(append(hooks.Fields{{Key: "event", Value: string(e.Name)}, {Key: "mount", Value: e.Mount}}, e.Fields...))
	c <- string(text)
	return err
}

func TestRelaysAndSlavesAreAnnounced(t *testing.T) {
	g, _ := publishLogged(t)
	c := make(told, 10)
	hook := []*hooks.Hook{{Name: "told", Runner: c, Policy: hooks.Policy{Key: func(*hooks.Event) string { return "" }}}}
	g.hooks.Apply(&hooks.Plan{Hooks: hook, For: func(hooks.Name, string) []*hooks.Hook { return hook }})
	for _, e := range []relay.Event{
		{Kind: relay.Up, Mount: "/m", Upstream: "http://master/m"},
		{Kind: relay.Failed, Mount: "/n", Cause: "refused"},
		{Kind: relay.Down, Mount: "/m", Upstream: "http://master/m", Cause: "timed\r\nout", Duration: 1500 * time.Millisecond},
		{Kind: relay.SlaveJoined, Slave: "http://edge"},
		{Kind: relay.MasterDown, Upstream: "http://master"},
		{Kind: relay.SlaveLeft, Slave: "http://edge", Cause: "silent"},
	} {
		g.relayChanged(e)
	}
	for _, want := range []string{
		`{"event":"relay_up","mount":"/m","upstream":"http://master/m"}`,
		`{"event":"relay_down","mount":"/m","upstream":"http://master/m","reason":"timed  out","duration":1.5}`,
		`{"event":"slave_joined","mount":"","slave":"http://edge"}`,
		`{"event":"slave_left","mount":"","slave":"http://edge","reason":"silent"}`,
	} {
		select {
		case got := <-c:
			if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
				t.Errorf("told was %s, want %s", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("%s was not told", want)
		}
	}
}
