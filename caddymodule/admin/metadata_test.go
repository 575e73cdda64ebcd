package admin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// updateMetadata asks for an update of metadata as a user, if one is given.
func updateMetadata(t *testing.T, h *moduletest.Station, user, password string, query ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/admin/metadata?"+strings.Join(query, "&"), nil)
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	return h.Do(t, r)
}

func newMetadataHandler(t *testing.T) (*moduletest.Station, *moduletest.Broadcast) {
	t.Helper()
	h := moduletest.New(t, &caddymodule.Station{
		SourcePassword: &auth.Credential{Password: "source"},
		AdminPassword:  &auth.Credential{Password: "admin"},
		RelayPassword:  &auth.Credential{Password: "relay"},
		Mounts: []*caddymodule.Mount{
			{Path: "/dj.mp3", SourcePassword: &auth.Credential{User: "dj", Password: "dj"}},
			{Path: "/latin.mp3", Charset: "iso-8859-1"},
		},
	})
	return h, h.OnAir(t, "/live.mp3", nil)
}

func TestWhoMaySetATitle(t *testing.T) {
	h, _ := newMetadataHandler(t)
	h.OnAir(t, "/dj.mp3", nil)
	for _, tt := range []struct {
		who, user, password, mount string
		status                     int
	}{
		{"nobody", "", "", "/live.mp3", 401},
		{"nobody, on no mount", "", "", "", 401},
		{"the source, on no mount", "source", "source", "", 401},
		{"the admin, on no mount", "admin", "admin", "", 400},
		{"nobody, on a mount that is not there", "", "", "/none.mp3", 401},
		{"a stranger", "source", "wrong", "/live.mp3", 401},
		{"the source", "source", "source", "/live.mp3", 200},
		{"the source of another mount", "dj", "dj", "/live.mp3", 401},
		{"the mount's own source", "dj", "dj", "/dj.mp3", 200},
		{"the station's source, on a mount with its own", "source", "source", "/dj.mp3", 401},
		{"the admin", "admin", "admin", "/live.mp3", 200},
		{"the admin, on a mount with its own source", "admin", "admin", "/dj.mp3", 200},
		{"a slave", "relay", "relay", "/live.mp3", 401},
		{"the source's password with another user", "admin", "source", "/live.mp3", 401},
	} {
		t.Run(tt.who, func(t *testing.T) {
			resp := updateMetadata(t, h, tt.user, tt.password, "mode=updinfo", "song=x", "mount="+tt.mount)
			moduletest.CheckStatus(t, resp, tt.status)
			if got := resp.Header.Get("WWW-Authenticate") != ""; got != (tt.status == 401) {
				t.Errorf("a challenge: %t", got)
			}
		})
	}
}

func TestSettingATitle(t *testing.T) {
	h, b := newMetadataHandler(t)
	for _, tt := range []struct {
		name               string
		query              []string
		artist, title, url string
	}{
		{"a song", []string{"song=Artist+-+Title"}, "", "Artist - Title", ""},
		{"artist and title", []string{"artist=Artist", "title=Title"}, "Artist", "Title", ""},
		{"a song replaces both", []string{"song=Song"}, "", "Song", ""},
		{"a title alone", []string{"title=Title"}, "", "Title", ""},
		{"an artist alone", []string{"artist=Artist"}, "Artist", "", ""},
		{"a song wins over the two", []string{"artist=A", "title=T", "song=Song"}, "", "Song", ""},
		{"a URL", []string{"song=Song", "url=https://example.org/?a%26b"}, "", "Song", "https://example.org/?a&b"},
		{"percent signs that escape nothing", []string{"song=100%+pure+5%zz%"}, "", "100% pure 5%zz%", ""},
		{"an empty song takes the title away", []string{"song="}, "", "", ""},
		{"UTF-8", []string{"song=M%C3%BCller"}, "", "Müller", ""},
		{"a charset", []string{"song=M%FCller", "charset=ISO-8859-1"}, "", "Müller", ""},
		{"another charset", []string{"song=%CC%EE%F1%EA%E2%E0", "charset=windows-1251"}, "", "Москва", ""},
		{"a charset that nobody knows", []string{"song=M%FCller", "charset=klingon"}, "", "Müller", ""},
		{"old bytes without a charset", []string{"song=M%FCller"}, "", "Müller", ""},
		{"control characters", []string{"song=a%00b%0D%0Ac%1B%E2%80%AEd"}, "", "ab  cd", ""},
		{"semicolons as they are", []string{"song=a;b;=c"}, "", "a;b;=c", ""},
		{"no mode", []string{"song=Song", "mode="}, "", "Song", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := updateMetadata(t, h, "source", "source", append(tt.query, "mount=/live.mp3")...)
			moduletest.CheckStatus(t, resp, 200)
			if got := resp.Header.Get("Content-Type"); got != "text/xml; charset=utf-8" {
				t.Errorf("content type %q", got)
			}
			const want = "<?xml version=\"1.0\"?>\n<iceresponse><message>Metadata update successful</message><return>1</return></iceresponse>\n"
			if got := moduletest.Body(t, resp); got != want {
				t.Errorf("%q\nwant %q", got, want)
			}
			m := b.Mount.Status().Metadata
			if m.Artist != tt.artist || m.Title != tt.title || m.URL != tt.url {
				t.Errorf("%q - %q at %q; want %q - %q at %q", m.Artist, m.Title, m.URL, tt.artist, tt.title, tt.url)
			}
		})
	}
}

func TestTheMountsCharsetIsTheDefault(t *testing.T) {
	h, _ := newMetadataHandler(t)
	b := h.OnAir(t, "/latin.mp3", nil)
	for _, tt := range []struct{ query, want string }{
		{"song=M%FCller", "Müller"},
		{"song=%C3%BC", "Ã¼"}, // said to be latin1, so that is what it is
		{"song=%C3%BC&charset=utf-8", "ü"},
	} {
		moduletest.CheckStatus(t, updateMetadata(t, h, "source", "source", tt.query, "mount=/latin.mp3"), 200)
		if got := b.Mount.Status().Metadata.Title; got != tt.want {
			t.Errorf("%s: %q; want %q", tt.query, got, tt.want)
		}
	}
}

func TestTheSameTitleAgainIsNoNews(t *testing.T) {
	h, b := newMetadataHandler(t)
	for range 2 {
		moduletest.CheckStatus(t, updateMetadata(t, h, "source", "source", "song=Song", "mount=/live.mp3"), 200)
	}
	before := b.Mount.Status().Metadata
	moduletest.CheckStatus(t, updateMetadata(t, h, "source", "source", "song=+Song%0A", "mount=/live.mp3"), 200)
	if b.Mount.Status().Metadata != before {
		t.Error("it was announced again")
	}
	moduletest.CheckStatus(t, updateMetadata(t, h, "source", "source", "song=Other", "mount=/live.mp3"), 200)
	if b.Mount.Status().Metadata == before {
		t.Error("another title was not announced")
	}
}

func TestWhatIsNoUpdate(t *testing.T) {
	h, b := newMetadataHandler(t)
	b.Mount.SetMetadata("", "Song", "")
	for _, tt := range []struct {
		name   string
		query  []string
		status int
		want   string
	}{
		{"no mount", []string{"song=x"}, 400, "Missing parameter: mount\r\n"},
		{"an empty mount", []string{"song=x", "mount="}, 400, "Missing parameter: mount\r\n"},
		{"a mount that is not there", []string{"song=x", "mount=/none.mp3"}, 400, "Source does not exist\r\n"},
		{"no slash", []string{"song=x", "mount=live.mp3"}, 400, "Source does not exist\r\n"},
		{"no song", []string{"mount=/live.mp3"}, 400, "Missing parameter: song, or artist and title\r\n"},
		{"a URL alone", []string{"mount=/live.mp3", "url=https://u"}, 400, "Missing parameter: song, or artist and title\r\n"},
		{
			"another mode",
			[]string{"mount=/live.mp3", "song=x", "mode=delete"},
			200,
			"<?xml version=\"1.0\"?>\n<iceresponse><message>No such action</message><return>0</return></iceresponse>\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := updateMetadata(t, h, "admin", "admin", tt.query...)
			moduletest.CheckStatus(t, resp, tt.status)
			if got := moduletest.Body(t, resp); got != tt.want {
				t.Errorf("%q; want %q", got, tt.want)
			}
			if got := b.Mount.Status().Metadata.Title; got != "Song" {
				t.Errorf("the title became %q", got)
			}
		})
	}
}

// TestBrokenQueriesAreReadAsFarAsTheyGo: encoders escape badly.
func TestBrokenQueriesAreReadAsFarAsTheyGo(t *testing.T) {
	h, b := newMetadataHandler(t)
	moduletest.CheckStatus(t, updateMetadata(t, h, "source", "source", "mount=/live.mp3", "song=Song", "url=%zz", "x=%"), 200)
	if got := b.Mount.Status().Metadata.Title; got != "Song" {
		t.Errorf("%q; want Song", got)
	}
}
