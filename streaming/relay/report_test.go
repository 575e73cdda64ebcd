package relay

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// mountsFor returns n mounts.
func mountsFor(n int) map[string]int {
	all := make(map[string]int, n)
	for i := range n {
		all[fmt.Sprintf("/%d", i)] = 0
	}
	return all
}

func TestTheBoundsOfAReport(t *testing.T) {
	long := strings.Repeat("x", maxID)
	for _, tt := range []struct {
		name   string
		change func(*Report)
		err    string // empty: none
	}{
		{"as it is", func(*Report) {}, ""},
		{"the longest id", func(r *Report) { r.ID = long }, ""},
		{"a longer id", func(r *Report) { r.ID = long + "x" }, "id: invalid"},
		{"all URLs", func(r *Report) { r.Public = slices.Repeat([]string{"http://h"}, maxPublic) }, ""},
		{"too many URLs", func(r *Report) { r.Public = slices.Repeat([]string{"http://h"}, maxPublic+1) }, "public: 9 URLs; expected at most 8"},
		{"no URL", func(r *Report) { r.Public = []string{"h"} }, `public: "h": invalid URL; expected http or https and a host`},
		{"the largest number", func(r *Report) { r.Kbps = maxCount }, ""},
		{"a larger number", func(r *Report) { r.Kbps = maxCount + 1 }, "report: number 1073741825 out of range; expected 0 to 1073741824"},
		{"the longest interval", func(r *Report) { r.Interval = maxInterval }, ""},
		{"a longer interval", func(r *Report) { r.Interval = maxInterval + 1 }, "interval: 3601 out of range; expected 1 to 3600 seconds"},
		{"all mounts", func(r *Report) { r.Mounts = mountsFor(maxMounts) }, ""},
		{"too many mounts", func(r *Report) { r.Mounts = mountsFor(maxMounts + 1) }, "mounts: too many; expected at most 10000"},
		{"no mount", func(r *Report) { r.Mounts = map[string]int{"live": 1} }, `mounts: invalid entry "live": 1; expected the path of a mount and its listeners`},
		{"all nodes and mounts", func(r *Report) {
			r.Mounts, r.Downstream = mountsFor(maxMounts-2), map[string]map[string]int{"a": mountsFor(1)}
		}, ""},
		{"too many nodes", func(r *Report) {
			r.Mounts, r.Downstream = mountsFor(maxMounts), map[string]map[string]int{"a": nil}
		}, "below: too many nodes and mounts; expected at most 10000"},
		{"no node", func(r *Report) { r.Downstream = map[string]map[string]int{"<b>": nil} }, `below: invalid id "<b>"`},
	} {
		r := Report{ID: "a", Interval: 10}
		tt.change(&r)
		if err := r.check(); tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.err)) {
			t.Errorf("%s: the error is %v; want %q", tt.name, err, tt.err)
		}
	}
}

func TestReadReport(t *testing.T) {
	good := `{"id":"a","public":["https://edge.example/"],"interval":10,"mounts":{"/live":3}}`
	r, err := ReadReport(strings.NewReader(good))
	if err != nil || r.Public[0] != "https://edge.example" || r.Mounts["/live"] != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	for name, text := range map[string]string{
		"nothing":            ``,
		"no id":              `{"interval":10}`,
		"an id of markup":    `{"id":"<b>","interval":10}`,
		"no interval":        `{"id":"a"}`,
		"another scheme":     `{"id":"a","interval":10,"public":["javascript:alert(1)"]}`,
		"a user":             `{"id":"a","interval":10,"public":["http://u@h"]}`,
		"a query":            `{"id":"a","interval":10,"public":["http://h/?"]}`,
		"a host of markup":   `{"id":"a","interval":10,"public":["http://a\"<script>:80"]}`,
		"an endless host":    `{"id":"a","interval":10,"public":["http://` + strings.Repeat("a", maxBase) + `"]}`,
		"too many below":     `{"id":"a","interval":10,"below":{"<b>":{}}}`,
		"a line end":         `{"id":"a","interval":10,"public":["http://h\r\nX: y"]}`,
		"a negative number":  `{"id":"a","interval":10,"listeners":-1}`,
		"an absurd number":   `{"id":"a","interval":10,"capacity":1000000000000}`,
		"what is no mount":   `{"id":"a","interval":10,"mounts":{"live":1}}`,
		"negative listeners": `{"id":"a","interval":10,"mounts":{"/live":-1}}`,
		"too long a report":  `{"id":"a","interval":10,"mounts":{"/` + strings.Repeat("x", maxReport) + `":1}}`,
	} {
		if r, err := ReadReport(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add(`{"id":"a","public":["https://edge.example/"],"interval":10,"capacity":5,"mounts":{"/live":3}}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ReadReport(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadReport(strings.NewReader(string(again))); err != nil {
			t.Fatalf("%s is good, but %s is not: %v", text, again, err)
		}
	})
}
