package format

// flacPart is the length of the parts of a long frame. Its CRC is not cut in two, so flacHeld
// bytes must follow a part, and there must be room for the header that would end the frame.
const (
	flacHeld = 2
	flacPart = MaxUnit - flacHeld - maxFLACHeader
)

// takeFrame consumes the frame at the beginning of buf, or a part of it.
func (f *flac) takeFrame(buf []byte, final bool) (int, Unit) {
	end, found := f.findEnd(buf, final)
	switch {
	case found == partial && end == 0:
		return 0, Unit{}
	case found == partial: // a part: the rest continues the frame
		u := f.unit(buf[:end], true)
		f.sent += end
		f.scanned = 0
		return end, u
	case found == yes || f.sent > 0: // listeners that got a part get the rest
		u := f.unit(buf[:end], false)
		f.frame = flacHeader{}
		return end, u
	}
	f.frame = flacHeader{}
	return end, Unit{}
}

// unit makes a unit of the whole frame, or of a part.
func (f *flac) unit(data []byte, more bool) Unit {
	u := Unit{Init: f.init, More: more}
	var first *flacHeader
	if f.sent == 0 {
		first = &f.frame
		u.Start, u.Duration = true, f.info.duration(f.frame)
	}
	u.Data = f.numbers.renumber(data, first, f.info.blockOf(f.frame), !more)
	return u
}

// findEnd searches for the end of the frame. It returns yes if the frame is intact, no if
// it is damaged and something else begins at the end. It returns partial and the length of
// a part that can be sent, or 0 if it needs more bytes.
func (f *flac) findEnd(buf []byte, final bool) (int, match) {
	most := f.info.maxFrame(f.frame) - f.sent
	crc, at := f.crc, f.scanned
	for ; at < len(buf); at++ {
		c := buf[at]
		if (c == 0xff || c == flacMagic[0]) && at+f.sent >= f.frame.size {
			switch found, is := f.endsAt(buf[at:], crc, final); {
			case is && found == partial:
				f.crc, f.scanned = crc, at
				return 0, partial
			case is:
				return at, found
			}
		}
		if at >= most {
			return at, no
		}
		switch at {
		case flacPart:
			f.partCRC = crc
		case flacPart + flacHeld:
			f.crc = f.partCRC
			return flacPart, partial
		}
		crc = crc<<8 ^ crc16Table[byte(crc>>8)^c]
	}
	f.crc, f.scanned = crc, at
	switch {
	case !final:
		return 0, partial
	case crc == 0:
		return at, yes
	}
	return at, no
}

// endsAt reports whether the frame ends before b, given the CRC of the bytes up to b, and
// how: yes for an intact frame, no for a damaged one, partial if more bytes decide.
func (f *flac) endsAt(b []byte, crc uint16, final bool) (match, bool) {
	found := beginsFLAC(b)
	var h flacHeader
	if found == no {
		h, found = f.header(b)
	}
	switch {
	case found == no, found == partial && final:
		return no, false
	case found == partial:
		return partial, true
	case crc == 0:
		return yes, true
	case h.size == 0 || h.soonAfter(f.frame): // the magic, or an expected frame
		return no, true
	}
	return no, false
}
