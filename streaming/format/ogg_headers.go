package format

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
