package request

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func FuzzParameters(f *testing.F) {
	f.Add("mode=updinfo&mount=/live.mp3&song=100%25", "")
	f.Add("song=100%&artist=%zz;%", "song=b&%")
	f.Add("", strings.Repeat("a", MaxForm+1))
	f.Fuzz(func(t *testing.T, query, form string) {
		r := httptest.NewRequest(http.MethodPost, "/admin/metadata", strings.NewReader(form))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
		q, err := Parameters(r)
		if err != nil {
			if len(form) <= MaxForm {
				t.Errorf("%q and %q: %v", query, form, err)
			}
			return
		}
		// Whatever was written plainly must be found again.
		if plain, ok := strings.CutPrefix(query, "song="); ok && !strings.ContainsAny(plain, "&;%+=") && q.Get("song") != plain {
			t.Errorf("%q: the song is %q", query, q.Get("song"))
		}
	})
}
