package archive

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzIndex reads any index: what is taken from it is in order, bounded, and names no other file.
func FuzzIndex(f *testing.F) {
	h, _ := json.Marshal(newHead(kind))
	l := line{Number: 5, Discontinuity: 2, Sequence: 9, Name: "9-ab.m4s", Codec: "Opus", Time: 1, Samples: 1, Rate: 1, Data: piece{Size: 1}}
	one, _ := json.Marshal(l)
	l.Number, l.Sequence, l.Marked, l.Discontinuity = 6, 11, true, 3
	l.Init, l.InitName = &piece{Size: 7}, "init-ab.mp4"
	two, _ := json.Marshal(l)
	whole := string(h) + "\n" + string(one) + "\n" + string(two) + "\n"
	f.Add([]byte(whole))
	f.Add([]byte(whole[:len(whole)-1]))
	f.Add([]byte(strings.Replace(whole, "9-ab", "../9-ab", 1)))
	f.Add([]byte(strings.ReplaceAll(whole, `"size":1`, `"size":-1`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, lines, ok := parseIndex(text)
		if !ok && len(lines) > 0 {
			t.Fatal("lines of an index that is none")
		}
		for i := range lines {
			l := &lines[i]
			s := l.segment("file", nil)
			if filepath.Base(l.Name) != l.Name || !strings.HasSuffix(l.Name, k.Ending) || s.Seconds() > maxSeconds || s.Seconds() <= 0 || l.Data.Size > maxSize || l.Data.Offset < 0 {
				t.Fatalf("%+v", l)
			}
			if i > 0 && (l.Number != lines[i-1].Number+1 || l.Sequence <= lines[i-1].Sequence) {
				t.Fatalf("%+v after %+v", l, lines[i-1])
			}
		}
	})
}
