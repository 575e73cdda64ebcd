package access

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// BenchmarkNetworks reads a list of 100,000 networks, and looks addresses up in it.
func BenchmarkNetworks(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	ip4 := func() netip.Addr {
		n := r.Uint32()
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	}
	list := make([]netip.Prefix, 100_000)
	for i := range list {
		list[i] = netip.PrefixFrom(ip4(), 12+r.IntN(21)).Masked()
	}
	ips := make([]netip.Addr, 1<<12)
	for i := range ips {
		ips[i] = ip4()
	}
	b.Run("add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n := new(networks)
			for _, p := range list {
				n.add(p)
			}
		}
	})
	n := new(networks)
	for _, p := range list {
		n.add(p)
	}
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			n.find(ips[i%len(ips)])
		}
	})
}
