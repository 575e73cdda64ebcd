package setting_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/caddymodule/setting"
)

func TestParseSize(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int
		ok   bool
	}{
		{"0", 0, true},
		{"1", 1, true},
		{"65536", 65536, true},
		{"64KiB", 64 << 10, true},
		{"64 kib", 64 << 10, true},
		{"64k", 64000, true},
		{"64kb", 0, false}, // or kilobits
		{"1.5 Mb", 0, false},
		{"64KB", 64000, true},
		{"1.5MiB", 3 << 19, true},
		{"1GiB", 1 << 30, true},
		{"1073741824", 1 << 30, true},
		{"1073741825", 0, false},
		{"1.1GiB", 0, false},
		{"18446744073709551615", 0, false},
		{"18446744073709551616", 0, false},
		{"99EiB", 0, false},
		{"1,5MiB", 0, false}, // read by humanize as 15MiB
		{"1,024", 0, false},
		{"-1", 0, false},
		{"", 0, false},
		{"KiB", 0, false},
		{".", 0, false},
		{"64KiBit", 0, false},
		{"1e3", 0, false},
		{"٣KiB", 0, false},
		{"off", 0, false},
	} {
		if got, ok := setting.ParseSize(tt.text); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %d, %t; want %d, %t", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for _, tt := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"0", 0, true},
		{"0s", 0, true},
		{"250ms", 250 * time.Millisecond, true},
		{"10s", 10 * time.Second, true},
		{"1h30m", 90 * time.Minute, true},
		{"1.5h", 90 * time.Minute, true},
		{"1d", 24 * time.Hour, true},
		{"1d12h", 36 * time.Hour, true},
		{"10", 0, false},
		{"-1s", 0, false},
		{"-1ns", 0, false},
		{"s", 0, false},
		{"", 0, false},
		{"300y", 0, false},
		{"200000d", 0, false}, // more than there is room for
		{"64KiB", 0, false},
		{"off", 0, false},
	} {
		got, ok := setting.ParseDuration(tt.text)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%q: %s, %t; want %s, %t", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

// FuzzSize: what is accepted is within its bounds, and means the same when it is
// written as a number of bytes.
func FuzzSize(f *testing.F) {
	for _, seed := range []string{"0", "64KiB", "1.5MiB", "1GiB", "1,5", "-1", "1e9", "99EiB", "٣", "0.0000001b", "18446744073709551616"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := setting.ParseSize(s)
		if n < 0 || n > setting.MaxSize || !ok && n != 0 {
			t.Fatalf("%q: %d, %t", s, n, ok)
		}
		if again, same := setting.ParseSize(strconv.Itoa(n)); ok && (!same || again != n) {
			t.Errorf("%q: %d, but then %d, %t", s, n, again, same)
		}
	})
}

// FuzzDuration: what is accepted is not negative, and means the same when it is
// written as Go writes it.
func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"0", "10s", "1h30m", "1.5d", "-1s", "1d-2h", "dd", "1e300d", "9999999999h", strings.Repeat("9", 400) + "d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := setting.ParseDuration(s)
		if ok && n < 0 {
			t.Fatalf("%q: %s", s, n)
		}
		if again, same := setting.ParseDuration(n.String()); ok && (!same || again != n) {
			t.Errorf("%q: %s, but then %s, %t", s, n, again, same)
		}
	})
}

func TestParseBandwidth(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int
		ok   bool
	}{
		{"0", 0, true},
		{"1", 1, true},
		{"256", 256, true},
		{"256k", 256, true},
		{"256kbps", 256, true},
		{"256 kbit/s", 256, true},
		{"256Kbit", 256, true},
		{"1.5Mbit/s", 1500, true},
		{"100M", 100000, true},
		{"1Gbps", 1000000, true},
		{"64000bit/s", 64, true},
		{"64KiB", 524, true},
		{"10MiB/s", 83886, true},
		{"64Mb/s", 0, false}, // or megabytes
		{"10MB/s", 0, false}, // or megabits
		{"10MBps", 0, false},
		{"10mb", 0, false},
		{"500B", 0, false},
		{"10Mbps", 10000, true},
		{"1000G", 1000000000, true},
		{"1001G", 0, false},
		{"999bit/s", 0, false},
		{"-1", 0, false},
		{"", 0, false},
		{"fast", 0, false},
		{"1,5M", 0, false},
		{"1e3", 0, false},
		{"10T", 0, false},
	} {
		if got, ok := setting.ParseBandwidth(tt.text); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %d, %t; want %d, %t", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}
