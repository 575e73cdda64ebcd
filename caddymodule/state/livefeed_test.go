package state

import (
	"encoding/json"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/caddycast/caddycast/internal/eventually"
)

func TestViewersAreToldWhatHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var feed Livefeed
		const (
			a  = `{"mount":"/a"}`
			a2 = `{"mount":"/a","song":"Two"}`
			bb = `{"mount":"/b"}`
		)
		item := func(key, text string) Item { return Item{key, json.RawMessage(text)} }
		count, items := ListenerCount{}, []Item{item("/a", a), item("/b", bb)}
		since := func(known uint64, want string) uint64 {
			t.Helper()
			text, now := feed.Since(known, func() (ListenerCount, []Item) { return count, items })
			if string(text) != want {
				t.Errorf("since %d: %s; want %s", known, text, want)
			}
			return now
		}
		first := since(0, `{"listeners":0,"all":true,"mounts":[`+a+`,`+bb+`]}`)
		since(first, "")
		items = []Item{item("/a", a2), item("/b", bb)}
		since(first, "") // it is not looked up yet
		eventually.Advance(livefeedStep)
		second := since(first, `{"listeners":0,"all":false,"mounts":[`+a2+`]}`)
		since(0, `{"listeners":0,"all":true,"mounts":[`+a2+`,`+bb+`]}`)
		since(second, "")
		count.Listeners = 1
		eventually.Advance(livefeedStep)
		third := since(second, `{"listeners":1,"all":false,"mounts":[]}`)
		since(first, `{"listeners":1,"all":false,"mounts":[`+a2+`]}`)
		items = items[1:]
		eventually.Advance(livefeedStep)
		fourth := since(third, `{"listeners":1,"all":true,"mounts":[`+bb+`]}`)
		items, count.Cluster = nil, 3
		eventually.Advance(livefeedStep)
		since(fourth, `{"listeners":1,"cluster_listeners":3,"all":true,"mounts":[]}`)
	})
}

func TestViewersFromOneAddressAreBounded(t *testing.T) {
	var b Livefeed
	one, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:0:1::1")
	for i, c := range []struct {
		ip   netip.Addr
		want bool
	}{{one, true}, {one.Next(), true}, {one, false}, {other, true}, {netip.Addr{}, true}} {
		if got := b.Enter(c.ip, 2); got != c.want {
			t.Errorf("viewer %d from %s: %v", i, c.ip, got)
		}
	}
	b.Leave(netip.Addr{})
	b.Leave(one)
	if !b.Enter(one, 2) {
		t.Error("there is no place after one has left")
	}
}

func TestTheFirstViewerIsToldThatThereIsNothing(t *testing.T) {
	var b Livefeed
	text, now := b.Since(0, func() (ListenerCount, []Item) { return ListenerCount{}, nil })
	if string(text) != `{"listeners":0,"all":true,"mounts":[]}` {
		t.Errorf("the viewer gets %s", text)
	}
	if text, _ := b.Since(now, nil); text != nil {
		t.Errorf("the viewer gets again: %s", text)
	}
}
