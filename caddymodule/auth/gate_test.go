package auth_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/caddymodule/request"
)

func TestASourceNeedsThePasswordOfItsMount(t *testing.T) {
	s := &caddymodule.Station{
		SourcePassword: &auth.Credential{Password: "station"},
		Mounts: []*caddymodule.Mount{
			{Path: "/dj.mp3", SourcePassword: &auth.Credential{User: "dj", Password: "mount"}},
			{Path: "/night/*", SourcePassword: &auth.Credential{Password: "pattern"}},
			{Path: "/night/own.mp3", SourcePassword: &auth.Credential{Password: "own"}},
			{Path: "/night/none.mp3", Hidden: new(true)},
		},
	}
	st, err := moduletest.Provision(t, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, user, password string }{
		{"/live.mp3", "source", "station"},
		{"/dj.mp3", "dj", "mount"},
		{"/night/some.mp3", "source", "pattern"},
		{"/night/none.mp3", "source", "pattern"},
		{"/night/own.mp3", "source", "own"},
		{"", "source", "station"},
	} {
		for _, password := range []string{"station", "mount", "pattern", "own"} {
			if got, want := accepts(st.Gate.Source(tt.path), tt.user, password), password == tt.password; got != want {
				t.Errorf("%s with %s: %t; want %t", tt.path, password, got, want)
			}
		}
	}
}

func TestWithoutASourcePasswordOnlyMountsWithOneTakeASource(t *testing.T) {
	s := &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/dj.mp3", SourcePassword: &auth.Credential{Password: "mount"}}}}
	st, err := moduletest.Provision(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if st.Gate.Source("/live.mp3") != nil {
		t.Error("/live.mp3 has a login")
	}
	if !accepts(st.Gate.Source("/dj.mp3"), "source", "mount") {
		t.Error("/dj.mp3 does not accept its password")
	}
}

func TestWhereAuthIsOffAllMayListen(t *testing.T) {
	st := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{
		{Path: "/paid/*", AuthRaw: []byte(`{"kind":"url","listener_add":"http://192.0.2.1/"}`)},
		{Path: "/paid/open.mp3", AuthRaw: []byte(`{"kind":"off"}`)},
	}})
	if st.Gate.Module("/paid/x.mp3") == nil || st.Gate.Module("/paid/open.mp3") != nil {
		t.Error("the pattern counts where auth is off, or not where it should")
	}
}

// accepts reports whether a verifier accepts a request with a user and a password.
func accepts(v *auth.Verifier, user, password string) bool {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(user, password)
	return auth.Authorize(request.New(r), v) == nil
}

func TestModulesThatCannotBeAreRefused(t *testing.T) {
	for _, c := range []struct{ module, want string }{
		{`{"kind":"url","listener_add":"/x"}`, "listener_add: url: invalid URL"},
		{`{"kind":"url","auth_header":": 1"}`, `auth_header: invalid name ""; expected the name of a header`},
		{`{"kind":"url","auth_header":"my yes: 1"}`, `auth_header: invalid name "my yes"`},
		{`{"kind":"url","timelimit_header":"a b"}`, `timelimit_header: invalid name "a b"`},
		{`{"kind":"url","username":"a:b","password":"c"}`, `username: invalid user "a:b"; expected a name without a colon`},
		{`{"kind":"url","on_error":"x"}`, `on_error: invalid value "x"; expected allow or deny`},
		{`{"kind":"url","headers":["a b"]}`, `headers: invalid name "a b"`},
		{`{"kind":"htpasswd"}`, "htpasswd: missing file; expected a path"},
		{`{"kind":"htpasswd","file":"` + filepath.Join(t.TempDir(), "none", "none") + `"}`, "no such file"},
		{`{"kind":"nothing"}`, "icecast.auth.nothing"},
	} {
		_, err := moduletest.Provision(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/m", AuthRaw: []byte(c.module)}}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
}
