package caddymodule

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/hooks"
)

// exec is a hook that runs a program.
func exec(program string, events ...hooks.Name) *Hook {
	raw, _ := json.Marshal(map[string]string{"kind": "exec", "program": program})
	return &Hook{Events: events, DoRaw: raw}
}

func TestWhichHooksAnEventRuns(t *testing.T) {
	h := newHandler(t, &Station{
		On:        []*Hook{exec("all", hooks.SourceConnected, hooks.SlaveJoined)},
		OnConnect: "up",
		Mounts: []*Mount{
			{Path: "/*.mp3", On: []*Hook{exec("first", hooks.SourceConnected)}, OnConnect: "mp3up", OnDisconnect: "mp3down"},
			{Path: "/live*", On: []*Hook{exec("second", hooks.SourceConnected)}},
			{Path: "/live.mp3", On: []*Hook{exec("exact", hooks.ListenerAdded), exec("exact2", hooks.SourceConnected), exec("exact3", hooks.SourceConnected)}},
			{Path: "/none.mp3", MaxListeners: new(int)},
			{Path: "/off.mp3", OnConnect: "off"},
		},
	})
	names := make(map[string]bool)
	for _, hook := range h.station.reign.plan.Hooks {
		if names[hook.Name] {
			t.Errorf("two hooks are called %q", hook.Name)
		}
		names[hook.Name] = true
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
		for _, hook := range h.station.reign.plan.For(c.event, c.mount) {
			got = append(got, strings.TrimPrefix(hook.Label, "exec "))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s on %q runs %q, want %q", c.event, c.mount, got, c.want)
		}
	}
}

func TestHooksThatCannotBeAreRefused(t *testing.T) {
	webhook := func(members string) *Hook {
		return &Hook{Events: []hooks.Name{hooks.MountFull}, DoRaw: json.RawMessage(`{"kind":"webhook",` + members + `}`)}
	}
	auth := func(raw string) *Station {
		return &Station{Mounts: []*Mount{{Path: "/m", AuthRaw: json.RawMessage(raw)}}}
	}
	for _, c := range []struct {
		station *Station
		want    string
	}{
		{&Station{On: []*Hook{nil}}, "on: a hook wants events"},
		{&Station{On: []*Hook{{DoRaw: json.RawMessage(`{"kind":"exec"}`)}}}, "on: a hook wants events"},
		{&Station{On: []*Hook{{Events: []hooks.Name{hooks.MountFull}}}}, "something to do, such as exec or webhook"},
		{&Station{On: []*Hook{exec("x", "no_such_event")}}, `there is no event "no_such_event"`},
		{&Station{On: []*Hook{exec("", hooks.MountFull)}}, "the program has no name"},
		{&Station{On: []*Hook{exec("./x", hooks.MountFull)}}, "write an absolute path"},
		{&Station{Mounts: []*Mount{{Path: "/m", OnConnect: "a/b"}}}, `mount /m: on_connect: program "a/b"`},
		{&Station{Mounts: []*Mount{{Path: "/m", On: []*Hook{exec("x", hooks.MountFull, hooks.SlaveLeft)}}}}, "mount /m: on slave_left: that is about the whole station"},
		{&Station{On: []*Hook{webhook(`"url":"ftp://x/"`)}}, "write one such as https://example.org/hook"},
		{&Station{On: []*Hook{webhook(`"url":"http://u:secret@"`)}}, "write one such as https://example.org/hook"},
		{&Station{On: []*Hook{webhook(`"url":"http://x/","headers":{"a b":"c"}`)}}, `header "a b"`},
		{&Station{On: []*Hook{webhook(`"url":"http://x/","headers":{"a":"c\nd"}`)}}, `header "a"`},
		{&Station{On: []*Hook{webhook(`"url":"http://x/{event.mont}"`)}}, "url: {event.mont}: no event has that; there are id, "},
		{&Station{On: []*Hook{{Events: []hooks.Name{hooks.MountFull}, DoRaw: json.RawMessage(`{"kind":"exec","program":"x","args":["{event.data.x}"]}`)}}}, "{event.data.x}: no event has that"},
		{&Station{On: []*Hook{webhook(`"url":"http://x/","retry":-1`)}}, "retry: -1ns is less than zero"},
		{&Station{On: []*Hook{webhook(`"url":"http://x/","secret":"{env.NO_SUCH_VARIABLE_}"`)}}, "secret"},
		{auth(`{"kind":"url","listener_add":"/x"}`), "listener_add: url"},
		{&Station{On: []*Hook{exec("{env.NO_SUCH_VARIABLE_}", hooks.MountFull)}}, "program: evaluated placeholder {env.NO_SUCH_VARIABLE_} is empty"},
		{&Station{On: []*Hook{webhook(`"url":"http://x/{env.NO_SUCH_VARIABLE_}"`)}}, "url: evaluated placeholder {env.NO_SUCH_VARIABLE_} is empty"},
		{&Station{On: []*Hook{webhook(`"url":"http://x/","headers":{"a":"Bearer {env.NO_SUCH_VARIABLE_}"}`)}}, `header "a": evaluated placeholder {env.NO_SUCH_VARIABLE_} is empty`},
		{&Station{On: []*Hook{webhook(`"url":"http://x/","retry":"900d"`)}}, "retry: 21600h0m0s is too much; write 720h0m0s at most"},
		{auth(`{"kind":"url","auth_header":": 1"}`), `auth_header: "" is no name of a field`},
		{auth(`{"kind":"url","auth_header":"my yes: 1"}`), `auth_header: "my yes" is no name of a field`},
		{auth(`{"kind":"url","timelimit_header":"a b"}`), `timelimit_header: "a b" is no name of a field`},
		{auth(`{"kind":"url","username":"a:b","password":"c"}`), `the username "a:b" has a colon`},
		{auth(`{"kind":"url","on_error":"x"}`), `on_error "x"`},
		{auth(`{"kind":"url","headers":["a b"]}`), `headers: "a b"`},
		{auth(`{"kind":"htpasswd"}`), "the file has no name"},
		{auth(`{"kind":"htpasswd","file":"` + filepath.Join(t.TempDir(), "none", "none") + `"}`), "no such file"},
		{auth(`{"kind":"nothing"}`), "icecast.auth.nothing"},
	} {
		ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
		err := c.station.provision(ctx, t.Name())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret@") {
			t.Errorf("the error tells a secret: %v", err)
		}
		if err := c.station.cleanup(); err != nil {
			t.Error(err)
		}
		cancel()
	}
}

func TestAUserMayListenSoOftenAndNoMore(t *testing.T) {
	var s Sessions
	var ends []func()
	for i := range 3 {
		end, ok := s.Begin("bob", 2)
		if ok != (i < 2) {
			t.Fatalf("session %d: %t", i, ok)
		}
		if ok {
			ends = append(ends, func() { end(0) })
		}
	}
	if _, ok := s.Begin("ann", 1); !ok {
		t.Error("one user keeps another out")
	}
	for _, end := range ends {
		end()
	}
	if len(s.count) != 1 {
		t.Errorf("who is gone is still counted: %v", s.count)
	}
}

// A queue is that of what it is for, whatever else stands around it.
func TestAHookKeepsItsNameWhereverItStands(t *testing.T) {
	names := func(on ...*Hook) map[string]string {
		h := newHandler(t, &Station{On: on})
		byWhat := make(map[string]string)
		for _, hook := range h.station.reign.plan.Hooks {
			byWhat[hook.Label] = hook.Name
		}
		return byWhat
	}
	before := names(exec("a", hooks.SourceConnected), exec("b", hooks.SourceConnected))
	after := names(exec("c", hooks.SourceConnected), exec("b", hooks.SourceConnected, hooks.SourceDisconnected))
	if before["exec b"] != after["exec b"] || before["exec a"] == after["exec c"] || before["exec a"] == before["exec b"] {
		t.Errorf("%v, then %v", before, after)
	}
}

func TestHowLongAnEndpointLetsSomebodyListen(t *testing.T) {
	a := &URLAuth{most: "Icecast-Auth-Timelimit", about: AuthStation{HookStation: HookStation{Logger: zap.NewNop}}}
	for value, want := range map[string]struct {
		limit time.Duration
		ok    bool
	}{
		"": {0, true}, "2": {2 * time.Second, true}, "2.5": {2 * time.Second, true}, "-1": {0, true},
		"0": {0, false}, "soon": {0, false}, "99999999999": {0, false},
	} {
		limit, ok := a.timeLimit(http.Header{"Icecast-Auth-Timelimit": {value}})
		if limit != want.limit || ok != want.ok {
			t.Errorf("%q: %v, %v", value, limit, ok)
		}
	}
}
