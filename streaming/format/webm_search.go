package format

import "bytes"

// fileWithin reports whether another file begins within the first n bytes of an element,
// which was cut off then, and where. It looks at no more than MaxUnit bytes.
func fileWithin(buf []byte, n int, final bool) (int, match) {
	buf = buf[:min(len(buf), MaxUnit)]
	n = min(n, len(buf))
	for at := 0; at < n; at++ {
		i := bytes.IndexByte(buf[at:n], ebmlMagic[0])
		if i < 0 {
			break
		}
		at += i
		if !startsLike(buf[at:], ebmlMagic) {
			continue
		}
		switch found := beginsElement(buf[at:], idEBML); {
		case found == yes:
			return at, yes
		case found == partial && !final && len(buf) < MaxUnit:
			return at, partial
		}
	}
	return 0, no
}

// search returns the distance to the next place where a Cluster or a file begins or may
// begin. It clears lost if one begins at once.
func (w *webm) search(buf []byte, final bool) int {
	for i, c := range buf {
		var found match
		switch {
		case c == idEBML>>24:
			found = beginsElement(buf[i:], idEBML)
		case c == idCluster>>24 && w.hasBegun():
			found = beginsElement(buf[i:], idCluster)
		}
		if found == yes || found == partial && !final {
			w.lost = i > 0 || found != yes
			return i
		}
	}
	return len(buf)
}

// beginsElement reports whether b begins with an element of that id and a plausible first
// child. The four bytes of an id alone occur by chance, too.
func beginsElement(b []byte, id uint32) match {
	h, found := parseEBML(b)
	if found == yes && h.id != id || found == partial && h.id != 0 && h.id != id {
		return no
	}
	if found != yes {
		return found
	}
	if id == idEBML && (h.size < 0 || h.size > maxEBMLHead) {
		return no
	}
	first, found := parseEBML(b[h.len:])
	if found != yes {
		return found
	}
	switch {
	case first.id == ebmlVoid || first.id == ebmlCRC32,
		id == idEBML && first.id>>8 == 0x42, // common to all ids in an EBML header
		id == idCluster && precedesBlocks(first.id):
		return yes
	}
	return no
}

// precedesBlocks reports whether an element stands before the blocks of a Cluster.
func precedesBlocks(id uint32) bool {
	return id == idTimestamp || id == idPosition || id == idPrevSize || id == idSilent
}
