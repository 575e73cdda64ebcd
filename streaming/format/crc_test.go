package format

import "testing"

// The check values of the CRC catalogue: the CRC of the digits 1 to 9.
func TestChecksumsAreThoseOfTheirSpecifications(t *testing.T) {
	digits := []byte("123456789")
	if got := crc32(0, digits); got != 0x89a1897f {
		t.Errorf("CRC-32 from 0, as in Ogg: %#x", got)
	}
	if got := crc32(^uint32(0), digits); got != 0x0376e6e7 {
		t.Errorf("CRC-32 from ones, as in MPEG-2: %#x", got)
	}
	if got := crc16(0, digits); got != 0xfee8 {
		t.Errorf("CRC-16, as in FLAC: %#x", got)
	}
	if got := crc8(digits); got != 0xf4 {
		t.Errorf("CRC-8, as in FLAC: %#x", got)
	}
}

func TestAChecksumIsTheSameHoweverItIsCut(t *testing.T) {
	data := noise(9, 100)
	want := crc32(7, data)
	for at := range data {
		if got := crc32(crc32(7, data[:at]), data[at:]); got != want {
			t.Errorf("cut at %d: %#x, want %#x", at, got, want)
		}
	}
}
