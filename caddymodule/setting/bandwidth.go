package setting

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// MaxBandwidth is the largest bandwidth that a setting can mean, in kbit/s: 1 Tbit/s.
const MaxBandwidth = 1e9

// bitrate matches bits as networks count them, by thousands.
var bitrate = regexp.MustCompile(`(?i)^([0-9]+(?:\.[0-9]+)?) ?(k|m|g)?(?:bits?(?:/s|ps)?|bps|/s)?$`)

// bitsOrBytes matches a rate whose unit some write for bits and some for bytes. Only bps, in small
// letters, are always bits.
var bitsOrBytes = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([kKmMgG]?)(?:[bB]|[bB]/s|B[pP][sS]|bPS|bPs|bpS)$`)

// Bandwidth parses a bandwidth, in kbit/s.
func Bandwidth(d *caddyfile.Dispenser, dst *int) func() error {
	return func() error {
		directive := d.Val()
		arg, err := OneArg(d, "100Mbit/s")
		if err != nil {
			return err
		}
		n, ok := ParseBandwidth(arg)
		if m := bitsOrBytes.FindStringSubmatch(arg); m != nil {
			f, _ := strconv.ParseFloat(m[1], 64)
			return InvalidValue(d, directive, arg, fmt.Sprintf("%[1]s%[2]sbit/s for bits, or %[3]s%[2]sbit/s for bytes", m[1], m[2], decimal(f*8)))
		}
		if !ok {
			return InvalidValue(d, directive, arg, "a number of kbit/s such as 256, or with a unit: 256kbit/s, 100Mbit/s, 1Gbit/s, or bytes such as 10MiB/s")
		}
		*dst = n
		return nil
	}
}

// ParseBandwidth parses a number of kbit/s, of bits with another unit, or a size, which is
// the number of bytes in a second. It refuses a unit that can mean either.
func ParseBandwidth(s string) (kbps int, ok bool) {
	var f float64
	if bitsOrBytes.MatchString(s) {
		return 0, false
	}
	if m := bitrate.FindStringSubmatch(s); m != nil {
		f, _ = strconv.ParseFloat(m[1], 64)
		switch strings.ToLower(m[2]) {
		case "":
			if _, err := strconv.ParseFloat(s, 64); err != nil {
				f /= 1000 // bit/s
			}
		case "m":
			f *= 1e3
		case "g":
			f *= 1e6
		}
	} else {
		n, is := ParseSize(strings.TrimSuffix(s, "/s"))
		if !is {
			return 0, false
		}
		f = float64(n) * 8 / 1000
	}
	if f > MaxBandwidth || f > 0 && f < 1 {
		return 0, false
	}
	return int(f), true
}
