package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming/relay"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// announce returns a whole message of a node, whose id is its name.
func announce(id, region string, seq uint64, streams map[string]*Stream) *Message {
	return &Message{
		Report:   relay.Report{ID: id, Region: region, Seq: seq, Interval: 1},
		Internal: []string{"http://" + id + ".example:8000"}, Streams: streams,
	}
}

func partial(m *Message) *Message {
	m.Report.Partial = true
	return m
}

func local(since int64) *Stream { return &Stream{Type: "audio/mpeg", Local: true, Since: since} }

func carried(pulls int) *Stream { return &Stream{Type: "audio/mpeg", Pulls: pulls} }

// placesOf returns the nodes from which a mount is pulled.
func placesOf(d *Directory, mount string) (ids []string) {
	places, _ := d.Places(mount)
	for _, p := range places {
		ids = append(ids, p.Node)
	}
	return ids
}

func TestAMountIsOwnedByOneOfItsSources(t *testing.T) {
	old, young := local(1000), local(2000)
	taken := &Stream{Local: true, Since: 3000, Takeovers: 1}
	for _, c := range []struct {
		name      string
		a, b, own *Stream
		want      string
	}{
		{"the older one", young, old, nil, "b"},
		{"the one that took it over", taken, old, nil, "a"},
		{"the one of the higher priority", old, &Stream{Local: true, Since: 2000, Priority: 1}, nil, "b"},
		{"the lesser id, if all is equal", old, old, nil, "a"},
		{"this node", young, young, old, "self"},
		{"another node", young, old, young, "b"},
		{"none that has it from another node", carried(0), carried(0), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := NewDirectory("self", "", 2)
			d.Take(announce("a", "", 1, map[string]*Stream{"/m": c.a}), noon)
			d.Take(announce("b", "", 1, map[string]*Stream{"/m": c.b}), noon)
			if id, _ := d.Owner("/m", c.own); id != c.want {
				t.Errorf("owned by %q; want %q", id, c.want)
			}
		})
	}
}

func TestAMountIsPulledFromTheNearestNodeWithRoom(t *testing.T) {
	full := &Stream{Local: true, Since: 1, Pulls: 2}
	for _, c := range []struct {
		name, region string
		streams      map[string]*Stream // by node
		want         []string
	}{
		{"the owner", "", map[string]*Stream{"eu1": local(1)}, []string{"eu1"}},
		{"the owner before others", "", map[string]*Stream{"eu2": local(1), "eu1": carried(0)}, []string{"eu2", "eu1"}},
		{"this region", "us", map[string]*Stream{"eu1": local(1), "us1": carried(0)}, []string{"us1", "eu1"}},
		{"the owner of this region", "eu", map[string]*Stream{"eu2": local(1), "eu1": carried(0)}, []string{"eu2", "eu1"}},
		{"not a full owner", "", map[string]*Stream{"eu1": full, "eu2": carried(1), "us1": carried(0)}, []string{"us1", "eu2", "eu1"}},
		{"not a full node of this region", "us", map[string]*Stream{"eu1": local(1), "us1": carried(2)}, []string{"eu1", "us1"}},
		{"nowhere without a source", "", map[string]*Stream{"eu1": carried(0)}, nil},
		{"a node near the source before one that none pulls from", "us", map[string]*Stream{"eu1": local(1), "us1": {Hops: 2}, "us2": {Hops: 1, Pulls: 1}}, []string{"us2", "us1", "eu1"}},
		{"also the owner", "us", map[string]*Stream{
			"eu1": local(1), "us1": carried(0), "us2": carried(0), "us3": carried(0), "us4": carried(0),
		}, []string{"us1", "us2", "us3", "eu1"}},
		{"never from another source", "", map[string]*Stream{"eu1": local(1), "eu2": local(2)}, []string{"eu1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := NewDirectory("self", c.region, 2)
			for id, s := range c.streams {
				d.Take(announce(id, id[:2], 1, map[string]*Stream{"/m": s}), noon)
			}
			if got := placesOf(d, "/m"); !slices.Equal(got, c.want) {
				t.Errorf("pulled from %v; want %v", got, c.want)
			}
		})
	}
}

func TestADirectoryFollowsTheMessagesOfANode(t *testing.T) {
	d := NewDirectory("self", "", 2)
	check := func(what string, got, want Taken, mounts ...string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: taken: %v; want %v", what, got, want)
		}
		var streams []string
		for _, n := range d.Nodes() {
			streams = append(streams, n.Streams...)
		}
		if !slices.Equal(streams, mounts) {
			t.Errorf("%s: there are %v; want %v", what, streams, mounts)
		}
	}
	streams := func(mounts ...string) map[string]*Stream {
		all := make(map[string]*Stream)
		for _, m := range mounts {
			all[m] = local(1)
		}
		return all
	}
	check("partial, and the first", d.Take(partial(announce("a", "", 5, streams("/x"))), noon), OutOfOrder)
	check("whole", d.Take(announce("a", "", 6, streams("/1", "/2")), noon), Applied, "/1", "/2")
	check("a change", d.Take(partial(announce("a", "", 7, map[string]*Stream{"/2": nil, "/3": local(1)})), noon), Applied, "/1", "/3")
	check("an old one again", d.Take(announce("a", "", 6, streams("/1", "/2")), noon), Ignored, "/1", "/3")
	check("after one that was lost", d.Take(partial(announce("a", "", 9, streams("/4"))), noon), OutOfOrder, "/1", "/3")
	check("whole again", d.Take(announce("a", "", 10, streams("/4")), noon), Applied, "/4")
	if got, want := d.TakeChanges(), []string{"/1", "/2", "/3", "/4"}; !slices.Equal(got, want) {
		t.Errorf("changed are %v; want %v", got, want)
	}
	if gone := d.Expire(noon.Add(missedSigns)); len(gone) > 0 {
		t.Errorf("%v are gone in time", gone)
	}
	if gone := d.Expire(noon.Add(missedSigns + 1)); !slices.Equal(gone, []string{"a"}) {
		t.Errorf("%v are gone; want the silent one", gone)
	}
	check("gone", Applied, Applied)
	check("an old one of a node that is gone", d.Take(announce("a", "", 10, streams("/5")), noon), Ignored)
	check("it is back", d.Take(announce("a", "", 11, streams("/5")), noon), Applied, "/5")
	leaving := announce("a", "", 12, nil)
	leaving.Report.Leaving = true
	check("leaving", d.Take(leaving, noon), Applied)
	check("an old one of a node that has left", d.Take(announce("a", "", 11, streams("/5")), noon), Ignored)
	many := make(map[string]*Stream)
	for i := range maxStreams {
		many[fmt.Sprint("/", i)] = local(1)
	}
	d.Take(announce("b", "", 1, many), noon)
	more := map[string]*Stream{"/x": local(1), "/y": local(1)}
	for i := range maxStreams {
		more[fmt.Sprint("/more", i)] = local(1)
	}
	if got := d.Take(partial(announce("b", "", 2, more)), noon); got != Ignored {
		t.Errorf("a node has more streams than may be: %v", got)
	}
}

func BenchmarkDirectory(b *testing.B) {
	d := NewDirectory("self", "eu", DefaultFanout)
	for n := range 200 {
		streams := make(map[string]*Stream)
		for i := range 1500 {
			if i%200 == n {
				streams[fmt.Sprint("/", i)] = local(1)
			} else if n < 10 {
				streams[fmt.Sprint("/", i)] = carried(1)
			}
		}
		d.Take(announce(fmt.Sprintf("node%d", n), "eu", 1, streams), noon)
	}
	b.ReportAllocs()
	seq := uint64(1)
	for b.Loop() { // a source comes or goes
		seq++
		s := local(1)
		if seq%2 == 0 {
			s = nil
		}
		d.Take(partial(announce("node7", "eu", seq, map[string]*Stream{"/7": s})), noon)
		d.TakeChanges()
		d.Places("/7")
	}
}
