package admin

import (
	"encoding/xml"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/request"
)

func TestIceResponsesEscapeWhatTheySay(t *testing.T) {
	const message = `<b>&"'` + "\x00\r\n\xff]]>"
	w := httptest.NewRecorder()
	if err := iceResponse(w, request.New(httptest.NewRequest("GET", "/", nil)), message, false); err != nil {
		t.Fatal(err)
	}
	var got struct {
		XMLName xml.Name `xml:"iceresponse"`
		Message string   `xml:"message"`
		Return  int      `xml:"return"`
	}
	if err := xml.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v in %q", err, w.Body)
	}
	if want := `<b>&"'` + "\ufffd\r\n\ufffd]]>"; got.Message != want || got.Return != 0 {
		t.Errorf("%q, %d; want %q, 0", got.Message, got.Return, want)
	}
	if strings.Contains(w.Body.String(), "<b>") {
		t.Errorf("it is not escaped: %q", w.Body)
	}
}
