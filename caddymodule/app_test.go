package caddymodule_test

import (
	"slices"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/caddymodule/state"
)

func TestAnAppStartsAndStopsAllItsStations(t *testing.T) {
	day, night := t.Name()+" day", t.Name()+" night"
	app, err := moduletest.ProvisionApp(t, &caddymodule.App{Stations: map[string]*caddymodule.Station{
		day: {Name: "Day"}, night: {Name: "Night"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	generations := make(map[string]*state.Generation)
	for _, name := range []string{day, night} {
		if generations[name], err = app.Generation(name); err != nil {
			t.Fatal(err)
		}
	}
	each := func(when string, check func(g *state.Generation) bool) {
		t.Helper()
		for name, g := range generations {
			if !check(g) {
				t.Errorf("%s: not so for %s", when, name)
			}
		}
	}
	each("provisioned, nothing is in force", func(g *state.Generation) bool { return !g.IsInForce() && g.Current() == nil })
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	isInForce := func(g *state.Generation) bool {
		return g.IsInForce() && g.Current() == g && g.Settings().Mount("/x").MaxListeners == 0
	}
	each("started, its settings are in force", isInForce)
	app.Stopping() // the process does not exit
	each("stopping, but not exiting, its settings still are", isInForce)
	for range 2 { // a reload may call either, or both
		if err := app.Stop(); err != nil {
			t.Fatal(err)
		}
		each("stopped, nothing is in force", func(g *state.Generation) bool { return !g.IsInForce() })
	}
	for _, held := range []bool{true, false, false} {
		for name, g := range generations {
			if is := slices.Contains(state.InForce(), g.Station); is != held {
				t.Errorf("station %s is in the pool: %t; want %t", name, is, held)
			}
		}
		if err := app.Cleanup(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStationsByName(t *testing.T) {
	night := t.Name() + " night"
	app, err := moduletest.ProvisionApp(t, &caddymodule.App{Stations: map[string]*caddymodule.Station{
		night: nil, state.DefaultName: nil,
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"": "default", "default": "default", night: night} {
		if got, err := app.Generation(name); err != nil || got.StationName() != want {
			t.Errorf("%q: %+v, %v; want %s", name, got, err, want)
		}
	}
	_, err = app.Generation("day")
	moduletest.CheckError(t, err, `station "day": unknown; expected one of: TestStationsByName night, default`)
	if app.Only() != nil {
		t.Error("one of two is the only one")
	}
}

func TestCleanupOfAStationThatWasNotProvisioned(t *testing.T) {
	app := &caddymodule.App{Stations: map[string]*caddymodule.Station{"default": nil, "night": new(caddymodule.Station)}}
	if err := app.Cleanup(); err != nil {
		t.Error(err)
	}
}
