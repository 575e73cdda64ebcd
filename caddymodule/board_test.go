package caddymodule

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestViewersAreToldWhatHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b board
		v := stationView{Mounts: []mountView{{Mount: "/a"}, {Mount: "/b"}}}
		news := func(known uint64, want string) uint64 {
			t.Helper()
			text, now := b.news(known, func() stationView { return v })
			if string(text) != want {
				t.Errorf("who knows %d is told %s; want %s", known, text, want)
			}
			return now
		}
		const (
			a  = `{"mount":"/a","name":"","type":"","song":"","listeners":0}`
			a2 = `{"mount":"/a","name":"","type":"","song":"Two","listeners":0}`
			bb = `{"mount":"/b","name":"","type":"","song":"","listeners":0}`
		)
		first := news(0, `{"listeners":0,"all":true,"mounts":[`+a+`,`+bb+`]}`)
		news(first, "")
		v.Mounts = []mountView{{Mount: "/a", Song: "Two"}, {Mount: "/b"}}
		news(first, "") // it is not looked up yet
		time.Sleep(boardStep)
		second := news(first, `{"listeners":0,"all":false,"mounts":[`+a2+`]}`)
		news(0, `{"listeners":0,"all":true,"mounts":[`+a2+`,`+bb+`]}`)
		news(second, "")
		v.Listeners = 1
		time.Sleep(boardStep)
		third := news(second, `{"listeners":1,"all":false,"mounts":[]}`)
		news(first, `{"listeners":1,"all":false,"mounts":[`+a2+`]}`)
		v.Mounts = v.Mounts[1:]
		time.Sleep(boardStep)
		fourth := news(third, `{"listeners":1,"all":true,"mounts":[`+bb+`]}`)
		v.Mounts = nil
		time.Sleep(boardStep)
		news(fourth, `{"listeners":1,"all":true,"mounts":[]}`)
	})
}

func TestViewersFromOneAddressAreBounded(t *testing.T) {
	var b board
	one, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:0:1::1")
	for i, c := range []struct {
		ip   netip.Addr
		want bool
	}{{one, true}, {one.Next(), true}, {one, false}, {other, true}, {netip.Addr{}, true}} {
		if got := b.enter(c.ip, 2); got != c.want {
			t.Errorf("viewer %d from %s: %v", i, c.ip, got)
		}
	}
	b.leave(netip.Addr{})
	b.leave(one)
	if !b.enter(one, 2) {
		t.Error("there is no place after one has left")
	}
}

func TestWhoComesFirstIsToldThatThereIsNothing(t *testing.T) {
	var b board
	text, now := b.news(0, func() stationView { return stationView{} })
	if string(text) != `{"listeners":0,"all":true,"mounts":[]}` {
		t.Errorf("it is told %s", text)
	}
	if text, _ := b.news(now, nil); text != nil {
		t.Errorf("it is told again: %s", text)
	}
}
