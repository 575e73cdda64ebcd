package format

// flacPart is how long the parts are that a frame is cut into if it is longer.
// Behind them there is room for the header that tells that it isn't.
const flacPart = MaxUnit - maxFLACHeader

// cut takes the frame at the beginning of buf, or a part of it.
func (f *flac) cut(buf []byte, final bool) (int, Unit) {
	end, found := f.end(buf, final)
	switch {
	case found == unsure && end == 0:
		return 0, Unit{}
	case found == unsure: // a part: what is left goes on with the same frame
		u := f.unit(buf[:end])
		u.More = true
		f.gone += end
		f.scanned = 0
		return end, u
	case found == yes || f.gone > 0: // who has got a part gets the rest
		u := f.unit(buf[:end])
		f.frame = flacHeader{}
		return end, u
	}
	f.frame = flacHeader{}
	return end, Unit{}
}

// unit makes one of all the frame, or of a part.
func (f *flac) unit(data []byte) Unit {
	u := Unit{Data: data, Init: f.init}
	if f.gone == 0 {
		u.Start, u.Duration = true, f.info.duration(f.frame)
	}
	return u
}

// end looks for the end of the frame. It returns yes if the frame is whole, no if
// it is damaged and something else begins there. It returns unsure and 0 if it
// needs more, or how long the part is that may go.
func (f *flac) end(buf []byte, final bool) (int, verdict) {
	most := f.info.most(f.frame) - f.gone
	crc, at := f.crc, f.scanned
	for ; at < len(buf); at++ {
		c := buf[at]
		if (c == 0xff || c == flacMagic[0]) && at+f.gone >= f.frame.size {
			switch found, is := f.ends(buf[at:], crc, final); {
			case is && found == unsure:
				f.crc, f.scanned = crc, at
				return 0, unsure
			case is:
				return at, found
			}
		}
		if at >= most {
			return at, no
		}
		if at == flacPart {
			f.crc = crc
			return at, unsure
		}
		crc = crc<<8 ^ crc16Table[byte(crc>>8)^c]
	}
	f.crc, f.scanned = crc, at
	switch {
	case !final:
		return 0, unsure
	case crc == 0:
		return at, yes
	}
	return at, no
}

// ends tells whether a frame whose CRC has come to that ends before b, and how.
func (f *flac) ends(b []byte, crc uint16, final bool) (verdict, bool) {
	found := beginsFLAC(b)
	var h flacHeader
	if found == no {
		h, found = f.header(b)
	}
	switch {
	case found == no, found == unsure && final:
		return no, false
	case found == unsure:
		return unsure, true
	case crc == 0:
		return yes, true
	case h.size == 0 || h.follows(f.frame): // the magic, or a frame that is due
		return no, true
	}
	return no, false
}
