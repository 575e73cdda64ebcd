package setting

import (
	"testing"
)

func TestCheckHostname(t *testing.T) {
	for host, ok := range map[string]bool{
		"": true, "localhost": true, "radio.example.org": true, "radio.example.org:8000": true,
		"192.0.2.1": true, "[::1]": true, "[::1]:8000": true, "bücher.example": true,
		"::1": false, ":8000": false, "https://radio.example.org": false, "//radio.example.org": false,
		"radio.example.org/": false, "radio.example.org/live": false, "dj@radio.example.org": false,
		"radio example": false, "radio.example.org:http": false, "radio?x": false, "radio#x": false, "radio\n": false,
	} {
		if err := CheckHostname(host); (err == nil) != ok {
			t.Errorf("%q: %v", host, err)
		}
	}
}
