package format

import "time"

// packets returns the header packets of a stream from the header pages of its link,
// without data packets behind them.
func (s *oggStream) packets(data []byte) (packets [][]byte) {
	var packet []byte
	for p := range OggPages(data) {
		if p.Serial() != s.serial {
			continue
		}
		for part := range p.packets {
			if part.begins {
				packet = nil
			}
			packet = append(packet, part.data...)
			if !part.ends {
				continue
			}
			if len(packets) > 0 && s.codec.isHeader != nil && !s.codec.isHeader(packet) {
				return packets
			}
			packets = append(packets, packet)
		}
	}
	return packets
}

// findComment returns the index of the comment header and the length of its prefix; index
// 0 if there is none.
func (c *oggCodec) findComment(packets [][]byte) (index, before int) {
	for i, p := range packets {
		if i == 0 || c.commentAt == nil {
			continue
		}
		if before, ok := c.commentAt(p); ok {
			return i, before
		}
	}
	return 0, 0
}

// comments reads the comments of a stream from the header pages of its link.
func (s *oggStream) comments(data []byte) *Comments {
	packets := s.packets(data)
	i, before := s.codec.findComment(packets)
	if i == 0 {
		return nil
	}
	return vorbisComments(packets[i][before:]).read()
}

// OggCodec returns the name of the codec of the first stream in an Ogg link: Vorbis, Opus,
// FLAC, Speex or Theora. It is empty for other codecs and formats.
func (i *Init) OggCodec() string { return codecOf(i.firstPacket()).name }

// PreSkip returns the playing time at the beginning of an Opus stream that counts in the
// durations of units but is discarded by decoders (RFC 7845, section 4.2).
func (i *Init) PreSkip() time.Duration {
	first := i.firstPacket()
	if c := codecOf(first); c.preSkip != nil {
		return c.preSkip(first)
	}
	return 0
}

// firstPacket returns the first packet of an Ogg link, nil in other formats.
func (i *Init) firstPacket() []byte {
	for page := range OggPages(i.Data) {
		for part := range page.packets {
			return part.data
		}
	}
	return nil
}
