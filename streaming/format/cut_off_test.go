package format

import (
	"slices"
	"testing"
)

// Encoders play files one after the other, and a file may end anywhere. TestAFrameThatIsCutOff…
// has the same for formats without a container.
func TestAContainerThatIsCutOffDoesNotSwallowTheNextOne(t *testing.T) {
	cluster := func(n int) []byte {
		return element(idCluster, stamp(5), simple(1, 0, 0), element(idSimpleBlock, blockBody(1, 9, 0, n)))
	}
	a, b := oggMaker{serial: 1}, oggMaker{serial: 2}
	packet := tsFill{pid: soundPID, begins: true, clock: 9, payload: pes(1)}.packet()
	for name, c := range map[string]struct {
		make        func() Framer
		first, next []byte
		last        int // bytes of the first one's last unit
	}{
		"Ogg":                {ogger, bytesOf(a.link("opus", 2)...), bytesOf(b.link("vorbis", 3)...), 50},
		"FLAC":               {flacer, append(flacStart(2), bytesOf(flacFrames(0, 3)...)...), append(flacStart(2), bytesOf(flacFrames(0, 4)...)...), 40},
		"WebM":               {webmer, append(webmStart("webm", soundOnly), cluster(60)...), append(webmStart("webm", soundOnly), cluster(20)...), 60},
		"WebM, a long block": {webmer, append(webmStart("webm", soundOnly), cluster(2*MaxUnit)...), append(webmStart("webm", soundOnly), cluster(20)...), MaxUnit + 900},
		"WebM, an index": {
			webmer, slices.Concat(webmStart("webm", soundOnly), cluster(20), element(idCues, junk(100).data)),
			append(webmStart("webm", soundOnly), cluster(20)...), 90,
		},
		"MPEG-TS": {tser, slices.Concat(tables(0, 0x0f), packet, packet), slices.Concat(tables(1, 0x0f), slices.Repeat(packet, 4)), tsSize - 1},
	} {
		want := takeAll(t, c.make(), c.next, nil)
		for missing := 1; missing <= c.last; missing += 1 + missing/30 {
			stream := slices.Concat(c.first[:len(c.first)-missing], c.next)
			got := takeAll(t, c.make(), stream, nil)
			if len(got) < len(want) {
				t.Errorf("%s, without its last %d bytes: %d units, want %d at the end", name, missing, len(got), len(want))
				continue
			}
			for i, u := range got[len(got)-len(want):] {
				if u.Start != want[i].Start || len(u.data) != len(want[i].data) || u.Init.Size() != want[i].Init.Size() {
					t.Errorf("%s, without its last %d bytes: unit %d of the next stream has %d bytes, want %d", name, missing, i, len(u.data), len(want[i].data))
				}
			}
		}
		checkCuts(t, name, c.make, slices.Concat(c.first[:len(c.first)-c.last/2], c.next), 1, 100, 70000)
	}
}
