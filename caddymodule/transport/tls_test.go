package transport

import "testing"

func TestThisVersionOfGoKeepsWhatItReadWhereWeLook(t *testing.T) {
	if len(buffers) != 2 || len(ciphers) != 1 {
		t.Errorf("%d of 2 buffers and %d of 1 ciphers of tls.Conn are found: a listener over TLS keeps more than it must",
			len(buffers), len(ciphers))
	}
}
