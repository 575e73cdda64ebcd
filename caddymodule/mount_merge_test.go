package caddymodule

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
)

// notMerged are the fields of Mount that fill leaves out: modules are found by their entries.
var notMerged = map[string]bool{
	"Path": true, "On": true, "OnConnect": true, "OnDisconnect": true, "FallbacksRaw": true, "AuthRaw": true,
}

// fullMount has every field set, to values that differ from those of another n.
func fullMount(t *testing.T, path string, n int) *Mount {
	m := new(Mount)
	for field, value := range reflect.ValueOf(m).Elem().Fields() {
		setValue(t, field.Name, value, n)
	}
	m.Path = path
	return m
}

// setValue sets a field to a value that tells n.
func setValue(t *testing.T, name string, v reflect.Value, n int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint(name, n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes(fmt.Append(nil, n))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
	default:
		t.Fatalf("%s: no value for a %s", name, v.Type())
	}
}

// equal reports whether two values of a field are one and the same. What pointers point at may
// look alike: a setting has two values only, on and off.
func equal(a, b reflect.Value) bool {
	if a.Kind() == reflect.Pointer {
		return a.Pointer() == b.Pointer()
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// TestSettingsMergeFieldByField takes away one field after the other from the mount, then from
// the patterns, and looks where its value comes from then. A new field of Mount that fill
// leaves out fails it.
func TestSettingsMergeFieldByField(t *testing.T) {
	for f := range reflect.TypeFor[Mount]().Fields() {
		field := f.Name
		if notMerged[field] {
			continue
		}
		t.Run(field, func(t *testing.T) {
			exact, first, second := fullMount(t, "/live.ogg", 1), fullMount(t, "/*.ogg", 2), fullMount(t, "/live.*", 3)
			all := newMergedMounts(&Station{Mounts: []*Mount{first, second, exact, fullMount(t, "/*.mp3", 4)}})
			valueOf := func(m *Mount) reflect.Value { return reflect.ValueOf(m).Elem().FieldByName(field) }
			check := func(from *Mount, where string) {
				t.Helper()
				merged := all.get("/live.ogg")
				if got, want := valueOf(&merged), valueOf(from); !equal(got, want) {
					t.Errorf("%v; want that of %s, %v", got, where, want)
				}
				if merged.Path != "/live.ogg" {
					t.Errorf("the path became %s", merged.Path)
				}
			}
			check(exact, "the mount itself")
			valueOf(exact).SetZero()
			check(first, "the pattern that stands first")
			valueOf(first).SetZero()
			check(second, "the pattern that stands second")
			valueOf(second).SetZero()
			check(new(Mount), "nothing")
		})
	}
}

// TestFillTakesEachField sets one field at a time.
func TestFillTakesEachField(t *testing.T) {
	for f := range reflect.TypeFor[Mount]().Fields() {
		var from, to, empty Mount
		value := reflect.ValueOf(&from).Elem().FieldByIndex(f.Index)
		setValue(t, f.Name, value, 1)
		if value.IsZero() {
			t.Fatalf("%s is not set", f.Name)
		}
		to.fill(&from)
		got := reflect.ValueOf(&to).Elem().FieldByIndex(f.Index)
		if notMerged[f.Name] {
			if !reflect.DeepEqual(to, empty) {
				t.Errorf("%s is taken, which is no setting of a mount", f.Name)
			}
		} else if !equal(got, value) {
			t.Errorf("%s is not taken", f.Name)
		}
	}
}
