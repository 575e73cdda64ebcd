package icecastxml

import (
	"fmt"
	"strconv"
	"strings"
)

// bandwidth reads a rate of Icecast-KH: bits per second, with an optional unit.
func (r *reader) bandwidth(e *element) (string, bool) {
	v, ok := r.value(e)
	if !ok {
		return "", false
	}
	digits := strings.TrimRight(v, "kKmMgGbBiItTsSpP/ ")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < 0 {
		r.errorf(e, "invalid rate %q; expected bits per second, such as 100M", v)
		return "", false
	}
	switch unit := strings.ToLower(strings.TrimSpace(v[len(digits):])); {
	case unit == "" || strings.HasPrefix(unit, "b"):
		return bitrate(n), true
	case strings.HasPrefix(unit, "k"):
		return bitrate(n * 1e3), true
	case strings.HasPrefix(unit, "m"):
		return bitrate(n * 1e6), true
	case strings.HasPrefix(unit, "g"):
		return bitrate(n * 1e9), true
	}
	r.errorf(e, "invalid rate %q; expected bits per second, such as 100M", v)
	return "", false
}

// bitrate returns bits per second in the notation of a Caddyfile.
func bitrate(bits float64) string {
	for _, unit := range []struct {
		bits float64
		name string
	}{{1e9, "Gbit/s"}, {1e6, "Mbit/s"}} {
		if bits >= unit.bits && bits == unit.bits*float64(int(bits/unit.bits)) {
			return fmt.Sprintf("%d%s", int(bits/unit.bits), unit.name)
		}
	}
	return fmt.Sprintf("%dkbit/s", int(bits+999)/1000)
}
