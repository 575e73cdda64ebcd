package relay

import (
	"reflect"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	for field, want := range map[string][]string{
		"":                              nil,
		"a":                             {"a"},
		" a , b,,b, c ":                 {"a", "b", "c"},
		"a\"b, <c>, d":                  {"d"},
		strings.Repeat("x", maxID+1):    nil,
		"kh:edge.example:8000, [::1],é": {"kh:edge.example:8000"},
	} {
		if got := ParsePath(field); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q", field, got)
		}
	}
	if got := ParsePath(strings.Repeat("a", 1) + strings.Repeat(",b", 3) + "," + strings.Join(strings.Split("cdefghijklmnopqrstuvwxyz", ""), ",")); len(got) != maxPath {
		t.Errorf("%d ids", len(got))
	}
}
