package transport

import (
	"crypto/tls"
	"io"
	"net/http/httptest"
	"testing"
)

func TestThisVersionOfGoKeepsWhatItReadWhereWeLook(t *testing.T) {
	if len(buffers) != 2 || len(ciphers) != 1 {
		t.Errorf("%d of 2 buffers and %d of 1 ciphers of tls.Conn are found: a listener over TLS keeps more than it must",
			len(buffers), len(ciphers))
	}
}

// A Read after the buffers are released would take ciphertext for plaintext.
func TestATLSWriterCannotBeRead(t *testing.T) {
	var w any = NewTLSWriter(tls.Server(nil, nil))
	if _, ok := w.(io.Reader); ok {
		t.Error("it has a Read")
	}
	if _, ok := w.(io.WriterTo); ok {
		t.Error("it has a WriteTo")
	}
}

func TestATLSWriterWritesWithoutTheBuffersForReading(t *testing.T) {
	site := httptest.NewTLSServer(nil)
	defer site.Close()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", site.TLS)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	failed := make(chan error, 1)
	go func() {
		failed <- func() error {
			conn, err := ln.Accept()
			if err != nil {
				return err
			}
			c := conn.(*tls.Conn)
			if err := c.Handshake(); err != nil {
				return err
			}
			w := NewTLSWriter(c)
			for range 3 {
				if _, err := io.WriteString(w, "sound"); err != nil {
					return err
				}
			}
			if err := w.CloseWrite(); err != nil {
				return err
			}
			return w.Close()
		}()
	}()
	client, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got, err := io.ReadAll(client)
	if err != nil || string(got) != "soundsoundsound" {
		t.Errorf("%q, %v", got, err)
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}
