package caddymodule

import (
	"context"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func TestAnAppStartsAndStopsAllItsStations(t *testing.T) {
	app := &App{Stations: map[string]*Station{"day": {Name: "Day"}, "night": {Name: "Night"}}}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	for name, s := range app.Stations {
		if err := s.provision(ctx, t.Name()+name); err != nil {
			t.Fatal(err)
		}
	}
	each := func(when string, check func(s *Station) bool) {
		t.Helper()
		for name, s := range app.Stations {
			if !check(s) {
				t.Errorf("%s: not so for %s", when, name)
			}
		}
	}
	each("provisioned, nothing is in force", func(s *Station) bool { return s.live.current == nil })
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	each("started, its settings are", func(s *Station) bool {
		return s.live.current == s.reign && s.live.Settings() == s.reign.settings
	})
	app.stopping() // the process does not exit
	each("stopping, but not exiting, its settings still are", func(s *Station) bool { return s.live.current == s.reign })
	for range 2 { // a reload may call either, or both
		if err := app.Stop(); err != nil {
			t.Fatal(err)
		}
		each("stopped, nothing is in force", func(s *Station) bool { return s.live.current == nil })
	}
	for _, held := range []bool{true, false, false} {
		for name := range app.Stations {
			if _, ok := stations.References(t.Name() + name); ok != held {
				t.Errorf("station %s is in the pool: %t; want %t", name, ok, held)
			}
		}
		if err := app.Cleanup(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStationsByName(t *testing.T) {
	night, unnamed := new(Station), new(Station)
	app := &App{Stations: map[string]*Station{"night": night, defaultStation: unnamed}}
	for name, want := range map[string]*Station{"": unnamed, "default": unnamed, "night": night} {
		if got, err := app.station(name); got != want || err != nil {
			t.Errorf("%q: %p, %v; want %p", name, got, err, want)
		}
	}
	_, err := app.station("day")
	checkError(t, err, `there is no station "day"; there is default, night`)
}
