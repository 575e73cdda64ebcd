package icecastxml

import (
	"slices"
	"strings"
	"sync"
)

// skeleton has each element with children, at its place.
const skeleton = `<icecast><limits/><authentication/><listen-socket><authentication/></listen-socket><paths/>
<logging><accesslog><name/></accesslog></logging><security><changeowner/><tls-context/></security>
<http-headers/><event-bindings/><directory/><mount/><relay><upstream/></relay><master/></icecast>`

// parents returns for each known element the places where it belongs, such as "<security>" or
// "<mount> or <relay>".
var parents = sync.OnceValue(func() map[string]string {
	places := make(map[string][]string)
	r := &reader{visit: func(e *element, t table) {
		for name := range t {
			places[name] = append(places[name], "<"+e.name+">")
		}
	}}
	root, err := parse([]byte(skeleton))
	if err != nil {
		panic(err)
	}
	r.readRoot(root, new(config))
	texts := make(map[string]string, len(places))
	for name, in := range places {
		slices.Sort(in)
		texts[name] = strings.Join(slices.Compact(in), " or ")
	}
	return texts
})
