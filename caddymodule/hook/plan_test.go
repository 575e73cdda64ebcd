package hook_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/hooks"
)

// exec is a hook that runs a program.
func exec(program string, events ...hooks.Name) *hook.Hook {
	raw, _ := json.Marshal(map[string]string{"kind": "exec", "program": program})
	return &hook.Hook{Events: events, DoRaw: raw}
}

func TestWhichHooksAnEventRuns(t *testing.T) {
	st := moduletest.New(t, &caddymodule.Station{
		On:        []*hook.Hook{exec("all", hooks.SourceConnected, hooks.SlaveJoined)},
		OnConnect: "up",
		Mounts: []*caddymodule.Mount{
			{Path: "/*.mp3", On: []*hook.Hook{exec("first", hooks.SourceConnected)}, OnConnect: "mp3up", OnDisconnect: "mp3down"},
			{Path: "/live*", On: []*hook.Hook{exec("second", hooks.SourceConnected)}},
			{Path: "/live.mp3", On: []*hook.Hook{exec("exact", hooks.ListenerAdded), exec("exact2", hooks.SourceConnected), exec("exact3", hooks.SourceConnected)}},
			{Path: "/none.mp3", MaxListeners: new(int)},
			{Path: "/off.mp3", OnConnect: "off"},
		},
	})
	st.Events.Open() // no handler of Caddy's events waits for any
	names := make(map[string]bool)
	for _, h := range st.Hooks.Hooks {
		if names[h.Name] {
			t.Errorf("two hooks are called %q", h.Name)
		}
		names[h.Name] = true
	}
	for _, c := range []struct {
		event hooks.Name
		mount string
		want  string
	}{
		{hooks.SourceConnected, "/live.mp3", "all exact2 exact3 up mp3up"},
		{hooks.SourceConnected, "/other.mp3", "all first up mp3up"},
		{hooks.SourceConnected, "/live.ogg", "all second up"},
		{hooks.SourceConnected, "/none.mp3", "all first up mp3up"},
		{hooks.SourceConnected, "/off.mp3", "all first up"},
		{hooks.SourceDisconnected, "/off.mp3", "mp3down"},
		{hooks.SourceConnected, "/dj/x.mp3", "all up"},
		{hooks.SourceDisconnected, "/live.mp3", "mp3down"},
		{hooks.SourceDisconnected, "/x.ogg", ""},
		{hooks.ListenerAdded, "/live.mp3", "exact"},
		{hooks.SlaveJoined, "", "all"},
		{hooks.SlaveLeft, "", ""},
	} {
		var got []string
		for _, h := range st.Hooks.For(c.event, c.mount) {
			got = append(got, strings.TrimPrefix(h.Label, "exec "))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s on %q runs %q, want %q", c.event, c.mount, got, c.want)
		}
	}
}

func TestHooksThatCannotBeAreRefused(t *testing.T) {
	webhook := func(members string) *hook.Hook {
		return &hook.Hook{Events: []hooks.Name{hooks.MountFull}, DoRaw: json.RawMessage(`{"kind":"webhook",` + members + `}`)}
	}
	for _, c := range []struct {
		station *caddymodule.Station
		want    string
	}{
		{&caddymodule.Station{On: []*hook.Hook{nil}}, "on: missing events; expected at least one"},
		{&caddymodule.Station{On: []*hook.Hook{{DoRaw: json.RawMessage(`{"kind":"exec"}`)}}}, "on: missing events; expected at least one"},
		{&caddymodule.Station{On: []*hook.Hook{{Events: []hooks.Name{hooks.MountFull}}}}, "on: missing action; expected a module such as exec or webhook"},
		{&caddymodule.Station{On: []*hook.Hook{exec("x", "no_such_event")}}, `unknown event "no_such_event"; expected one of: source_connected, `},
		{&caddymodule.Station{On: []*hook.Hook{exec("", hooks.MountFull)}}, "missing program; expected an absolute path"},
		{&caddymodule.Station{On: []*hook.Hook{exec("./x", hooks.MountFull)}}, `program: invalid path "./x"; expected an absolute path`},
		{&caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/m", OnConnect: "a/b"}}}, `mount /m: on_connect: program: invalid path "a/b"`},
		{&caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/m", On: []*hook.Hook{exec("x", hooks.MountFull, hooks.SlaveLeft)}}}}, "mount /m: on slave_left: an event of the station"},
		{&caddymodule.Station{On: []*hook.Hook{webhook(`"url":"ftp://x/"`)}}, "expected one such as https://example.org/hook"},
		{&caddymodule.Station{On: []*hook.Hook{webhook(`"url":"http://u:secret@"`)}}, "expected one such as https://example.org/hook"},
		{&caddymodule.Station{On: []*hook.Hook{webhook(`"url":"http://x/","headers":{"a b":"c"}`)}}, `header "a b"`},
		{&caddymodule.Station{On: []*hook.Hook{webhook(`"url":"http://x/","headers":{"a":"c\nd"}`)}}, `header "a"`},
		{&caddymodule.Station{On: []*hook.Hook{webhook(`"url":"http://x/{event.mont}"`)}}, `url: {event.mont}: unknown event field "mont"; did you mean "mount"?`},
		{&caddymodule.Station{On: []*hook.Hook{{Events: []hooks.Name{hooks.MountFull}, DoRaw: json.RawMessage(`{"kind":"exec","program":"x","args":["{event.data.x}"]}`)}}}, `{event.data.x}: unknown event field "x"; expected one of: id, `},
		{&caddymodule.Station{On: []*hook.Hook{webhook(`"url":"http://x/","retry":-1`)}}, "retry: negative value -1ns"},
		{&caddymodule.Station{On: []*hook.Hook{webhook(`"url":"http://x/","secret":"{env.NO_SUCH_VARIABLE_}"`)}}, "secret"},
		{&caddymodule.Station{On: []*hook.Hook{exec("{env.NO_SUCH_VARIABLE_}", hooks.MountFull)}}, "program: evaluated placeholder {env.NO_SUCH_VARIABLE_} is empty"},
		{&caddymodule.Station{On: []*hook.Hook{webhook(`"url":"http://x/{env.NO_SUCH_VARIABLE_}"`)}}, "url: evaluated placeholder {env.NO_SUCH_VARIABLE_} is empty"},
		{&caddymodule.Station{On: []*hook.Hook{webhook(`"url":"http://x/","headers":{"a":"Bearer {env.NO_SUCH_VARIABLE_}"}`)}}, `header "a": evaluated placeholder {env.NO_SUCH_VARIABLE_} is empty`},
		{&caddymodule.Station{On: []*hook.Hook{webhook(`"url":"http://x/","retry":"900d"`)}}, "retry: value 21600h0m0s out of range; expected at most 720h0m0s"},
	} {
		_, err := moduletest.Provision(t, c.station)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret@") {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
}

// A queue is that of what it is for, whatever else stands around it.
func TestAHookKeepsItsNameWhereverItStands(t *testing.T) {
	names := func(on ...*hook.Hook) map[string]string {
		st := moduletest.New(t, &caddymodule.Station{On: on})
		byWhat := make(map[string]string)
		for _, h := range st.Hooks.Hooks {
			byWhat[h.Label] = h.Name
		}
		return byWhat
	}
	before := names(exec("a", hooks.SourceConnected), exec("b", hooks.SourceConnected))
	after := names(exec("c", hooks.SourceConnected), exec("b", hooks.SourceConnected, hooks.SourceDisconnected))
	if before["exec b"] != after["exec b"] || before["exec a"] == after["exec c"] || before["exec a"] == before["exec b"] {
		t.Errorf("%v, then %v", before, after)
	}
}
