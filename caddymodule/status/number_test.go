package status

import (
	"encoding/json"
	"testing"
)

func TestNumber(t *testing.T) {
	for text, want := range map[string]any{
		"0": json.Number("0"), "128": json.Number("128"), "-1": json.Number("-1"), "3.5": json.Number("3.5"),
		"-0": json.Number("-0"), "0.001": json.Number("0.001"), "999999999999999": json.Number("999999999999999"),
		"": "", "-": "-", "01": "01", "+1": "+1", "1.": "1.", ".5": ".5", "1e3": "1e3", "0x10": "0x10", "1\n": "1\n",
		" 1": " 1", "1 2": "1 2", "1.2.3": "1.2.3", "١": "١", "NaN": "NaN", "Quality 5": "Quality 5",
		"9999999999999999": "9999999999999999", "0.1234567891": "0.1234567891",
	} {
		got := number(text)
		if got != want {
			t.Errorf("%q: %#v; want %#v", text, got, want)
		}
		if b, err := json.Marshal(got); err != nil || !json.Valid(b) {
			t.Errorf("%q: %s, %v", text, b, err)
		}
	}
}
