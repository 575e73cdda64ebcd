package format

// crcTable returns the table of a CRC of T's width, without bit reflection.
func crcTable[T uint8 | uint16 | uint32](poly T, top T) (table [256]T) {
	for i := range table {
		crc := T(i)
		for shift := top >> 7; shift > 1; shift >>= 1 { // into the topmost byte
			crc <<= 1
		}
		for range 8 {
			carry := crc & top
			crc <<= 1
			if carry != 0 {
				crc ^= poly
			}
		}
		table[i] = crc
	}
	return table
}

var (
	// crc32Table is for Ogg pages and MPEG-TS sections.
	crc32Table = crcTable[uint32](0x04c11db7, 1<<31)
	// crc16Table is for FLAC frames.
	crc16Table = crcTable[uint16](0x8005, 1<<15)
	// crc8Table is for FLAC frame headers.
	crc8Table = crcTable[uint8](0x07, 1<<7)
)

// crc32Tables process eight bytes at once: the first is crc32Table, and each of the
// others is the one before it followed by a zero byte.
var crc32Tables = func() (tables [8][256]uint32) {
	tables[0] = crc32Table
	for k := 1; k < len(tables); k++ {
		for i, crc := range tables[k-1] {
			tables[k][i] = crc<<8 ^ crc32Table[crc>>24]
		}
	}
	return tables
}()

func crc32(crc uint32, b []byte) uint32 {
	t := &crc32Tables
	for ; len(b) >= 8; b = b[8:] {
		crc ^= be32(b)
		crc = t[7][crc>>24] ^ t[6][crc>>16&0xff] ^ t[5][crc>>8&0xff] ^ t[4][crc&0xff] ^
			t[3][b[4]] ^ t[2][b[5]] ^ t[1][b[6]] ^ t[0][b[7]]
	}
	for _, c := range b {
		crc = crc<<8 ^ crc32Table[byte(crc>>24)^c]
	}
	return crc
}

func crc8(b []byte) (crc uint8) {
	for _, c := range b {
		crc = crc8Table[crc^c]
	}
	return crc
}

func crc16(crc uint16, b []byte) uint16 {
	for _, c := range b {
		crc = crc<<8 ^ crc16Table[byte(crc>>8)^c]
	}
	return crc
}

// crc16Zeros is crc16 of n zeros.
func crc16Zeros(crc uint16, n int) uint16 {
	for range n {
		crc = crc<<8 ^ crc16Table[byte(crc>>8)]
	}
	return crc
}

// oggCRC is the CRC of a page; its own four bytes count as zero.
func oggCRC(p OggPage) uint32 {
	crc := crc32(0, p[:22])
	crc = crc32(crc, []byte{0, 0, 0, 0})
	return crc32(crc, p[26:])
}
