package caddymodule

import (
	"reflect"
	"strings"
	"testing"
)

// otherStrings are the strings in which no placeholder is replaced, or not by
// replacePlaceholders.
var otherStrings = map[string]string{
	"Station.OnConnect":     "placeholders of an event",
	"Station.OnDisconnect":  "placeholders of an event",
	"Mount.OnConnect":       "placeholders of an event",
	"Mount.OnDisconnect":    "placeholders of an event",
	"Mount.Path":            "the name of a mount",
	"Mount.SourceTLS":       "a keyword",
	"Dump.Fsync":            "a keyword or a duration",
	"Relay.Mount":           "the name of a mount",
	"Relay.Upstreams":       "an unknown placeholder is an error",
	"Relay.Prefer":          "a keyword",
	"Pulling.User":          "an unknown placeholder is an error",
	"Pulling.Password":      "an unknown placeholder is an error",
	"Master.Redirect":       "a keyword",
	"Master.RedirectExcept": "patterns",
	"Master.PreferRegion":   "placeholders of a request",
	"Slave.Region":          "filled in with the masters",
	"Slave.Auth":            "a keyword",
	"Slave.Masters":         "an unknown placeholder is an error",
	"Slave.Mounts":          "names of mounts",
}

// TestPlaceholdersInAllTexts sets every string of the settings to a placeholder. A new string must
// be added to texts, or to otherStrings and its comment.
func TestPlaceholdersInAllTexts(t *testing.T) {
	t.Setenv("CITY", "Berlin")
	s := &Station{Mounts: []*Mount{{Dump: new(Dump), Intro: new("")}}, Relays: []*Relay{{}}, Master: new(Master), Slave: new(Slave)}
	eachString(reflect.ValueOf(s).Elem(), func(_ string, v reflect.Value) { v.SetString("{env.CITY} {mount}") })
	if err := s.replacePlaceholders(); err != nil {
		t.Fatal(err)
	}
	eachString(reflect.ValueOf(s).Elem(), func(name string, v reflect.Value) {
		want := "Berlin {mount}"
		if otherStrings[name] != "" {
			want = "{env.CITY} {mount}"
		}
		if v.String() != want {
			t.Errorf("%s is %q; want %q", name, v, want)
		}
	})
}

// eachString calls do with each string of the package's settings, lists among them.
func eachString(v reflect.Value, do func(name string, v reflect.Value)) {
	for field, value := range v.Fields() {
		name := v.Type().Name() + "." + field.Name
		if value.Type() == reflect.TypeFor[[]string]() {
			value.Set(reflect.AppendSlice(value, reflect.MakeSlice(value.Type(), 1-min(1, value.Len()), 1)))
		}
		values := []reflect.Value{value}
		if value.Kind() == reflect.Slice {
			values = nil
			for i := range value.Len() {
				values = append(values, value.Index(i))
			}
		}
		for _, value := range values {
			for value.Kind() == reflect.Pointer && !value.IsNil() {
				value = value.Elem()
			}
			switch {
			case value.Kind() == reflect.String && value.CanSet():
				do(name, value)
			case value.Kind() == reflect.Struct && strings.HasSuffix(value.Type().PkgPath(), "/caddymodule"):
				eachString(value, do)
			}
		}
	}
}
