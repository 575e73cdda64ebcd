package hls

import (
	"bytes"
	"encoding/binary"
	"time"
)

// End returns where a segment ends on the time line of its list, by its own stamp: that of its tag,
// or of its fragment. 0: it has none.
func (s *Segment) End() time.Duration {
	start := s.stamp()
	if start < stampBase*time.Second {
		return 0
	}
	return start - stampBase*time.Second + time.Duration(s.Seconds()*float64(time.Second))
}

// stamp returns the stamp of the first sample; 0: there is none.
func (s *Segment) stamp() time.Duration {
	if s.Init == nil {
		_, after, found := bytes.Cut(s.Data[:min(len(s.Data), 256)], []byte(stampOwner+"\x00"))
		if !found || len(after) < 8 {
			return 0
		}
		return time.Duration(binary.BigEndian.Uint64(after)&(1<<33-1)) * time.Second / 90000
	}
	rate, decoded := field(s.Init.Data, "mdhd", 12, 4), field(s.Data, "tfdt", 4, 8)
	if rate == 0 {
		return 0
	}
	return time.Duration(decoded/rate)*time.Second + time.Duration(decoded%rate)*time.Second/time.Duration(rate)
}

// field returns a number of so many bytes in a box, as it is written here; 0: it is not there.
func field(data []byte, box string, at, size int) (n uint64) {
	_, after, _ := bytes.Cut(data, []byte(box))
	if len(after) < at+size {
		return 0
	}
	for _, b := range after[at : at+size] {
		n = n<<8 | uint64(b)
	}
	return n
}
