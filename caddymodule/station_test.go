package caddymodule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

func TestAStationHasANameThatADirectiveCanSay(t *testing.T) {
	for _, name := range []string{"", "/live", "@night", "*"} {
		err := moduletest.Validate(t, `{"apps": {"icecast": {"stations": {"`+name+`": {}}}}}`)
		moduletest.CheckError(t, err, `loading icecast app module: provision icecast: `+
			`station "`+name+`": invalid name; expected one such as studio1, without /, @ or * at its start`)
	}
}

func TestAHandlerFindsItsStationOrNamesThoseThereAre(t *testing.T) {
	const handler = `"http": {"servers": {"srv0": {"listen": [":8000"], "routes": [{"handle": [{"handler": "icecast"`
	for _, tt := range []struct{ name, config, want string }{
		{"the default, which needs no settings", `{` + handler + `}]}]}}}}`, ""},
		{"the one with a name", `{"icecast": {"stations": {"night": {}}}, ` + handler + `, "station": "night"}]}]}}}}`, ""},
		{"null is a station without settings", `{"icecast": {"stations": {"night": null}}, ` + handler + `, "station": "night"}]}]}}}}`, ""},
		{
			"one that is not there", `{"icecast": {"stations": {"studio": {}, "night": {}}}, ` + handler + `, "station": "day"}]}]}}}}`,
			`station "day": unknown; expected one of: night, studio`,
		},
		{
			"the default, when all have a name", `{"icecast": {"stations": {"night": {}}}, ` + handler + `}]}]}}}}`,
			`station "default": unknown; expected one of: night`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := moduletest.Validate(t, `{"apps": `+tt.config+`}`)
			if tt.want == "" {
				moduletest.CheckError(t, err, "")
			} else if err == nil || !strings.HasSuffix(err.Error(), ": "+tt.want) {
				t.Errorf("error %v\nwant one that ends with %s", err, tt.want)
			}
		})
	}
}

func TestPlaceholdersAreFilledInWhereTheyAreKnown(t *testing.T) {
	t.Setenv("CITY", "Berlin")
	t.Setenv("HOST", "radio.example.org")
	st, err := moduletest.Provision(t, &caddymodule.Station{
		Name: "Radio {env.CITY} {live}", Location: "{env.CITY}", Contact: "{env.SURELY_UNSET}", Hostname: "{env.HOST}",
		Mounts: []*caddymodule.Mount{{
			Path: "/live.mp3", Name: "{env.CITY}", Description: "{x}", Genre: "{env.CITY}", URL: "https://{env.HOST}",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	info := st.Policy("/live.mp3").Engine.StreamInfo
	for _, tt := range []struct{ what, got, want string }{
		{"name", st.Identity.Name, "Radio Berlin {live}"},
		{"location", st.Identity.Location, "Berlin"},
		{"contact", st.Identity.Contact, ""},
		{"hostname", st.Identity.Hostname, "radio.example.org"},
		{"mount's name", info.Name, "Berlin"},
		{"mount's description", info.Description, "{x}"},
		{"mount's genre", info.Genre, "Berlin"},
		{"mount's url", info.URL, "https://radio.example.org"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q; want %q", tt.what, tt.got, tt.want)
		}
	}
}

func TestAConfigurationThatIsNotStartedChangesNothing(t *testing.T) {
	st := moduletest.New(t, &caddymodule.Station{Name: "in force"})
	b := st.OnAir(t, "/live.mp3", nil)
	settings := st.Settings()

	rejected, err := moduletest.Provision(t, &caddymodule.Station{
		Name: "rejected", Mounts: []*caddymodule.Mount{{Path: "/live.mp3", Hidden: new(true)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if rejected.Station != st.Station {
		t.Fatal("another configuration of the same station has another live one")
	}
	for range 2 { // Caddy may clean up twice
		if err := rejected.App.Cleanup(); err != nil {
			t.Fatal(err)
		}
	}
	if b.Mount.Settings().Hidden {
		t.Error("the mount has the rejected settings")
	}
	if st.Settings() != settings || !st.IsInForce() || st.Current() != st.Generation {
		t.Error("other settings are in force")
	}
	b.Send(t) // the source is still there
}

func TestTheLimitsOfAStation(t *testing.T) {
	st := moduletest.New(t, &caddymodule.Station{Limits: caddymodule.Limits{
		Listeners: 7, Sources: 3, Bandwidth: 64, PerIP: 2, Latency: caddy.Duration(time.Second),
	}})
	got := st.Settings()
	if got.MaxListeners != 7 || got.MaxSources != 3 || got.MaxBandwidth != 64 || got.PerIP != 2 || got.Latency != time.Second {
		t.Errorf("%+v", got)
	}
}
