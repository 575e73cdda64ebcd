package admin_test

import (
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// Icecast 2.5 has id in place of mount. The configuration is that of its own tests, in which the
// users of /foo.ogg have the id 4.
func TestUsersAreManagedByTheIDOfTheirRole(t *testing.T) {
	quoted, err := json.Marshal(filepath.Join(t.TempDir(), "users"))
	if err != nil {
		t.Fatal(err)
	}
	users := json.RawMessage(`{"kind": "htpasswd", "file": ` + string(quoted) + `}`)
	h := moduletest.New(t, &caddymodule.Station{
		SourcePassword: &auth.Credential{Password: "source"},
		AdminPassword:  &auth.Credential{Password: "admin"},
		RelayPassword:  &auth.Credential{Password: "relay"},
		Mounts: []*caddymodule.Mount{
			{Path: "/test.ogg", SourcePassword: &auth.Credential{User: "foobar", Password: "hackmemore"}},
			{Path: "/test-on-connect.ogg"},
			{Path: "/foo.ogg", AuthRaw: users},
		},
	})
	const role = `<role id="4" type="htpasswd" name="/foo.ogg" management-url="/admin/manageauth.xsl?id=4" ` +
		`can-adduser="true" can-deleteuser="true" can-listuser="true">`
	for _, tt := range []struct {
		name, target, password string
		status                 int
		want                   string
	}{
		{"nobody", "manageauth?id=4&action=add&username=foo&password=bar", "", 401, "You need to authenticate"},
		{"nobody, of a role that is not there", "manageauth?id=99", "", 401, "You need to authenticate"},
		{"a role that is not there", "manageauth?id=99&action=add&username=foo&password=bar", "admin", 404, "Role not found"},
		{"one more than there are", "manageauth?id=6", "admin", 404, "Role not found"},
		{"a role below zero", "manageauth?id=-1", "admin", 404, "Role not found"},
		{"no number", "manageauth?id=x&mount=/foo.ogg", "admin", 404, "Role not found"},
		{"the administrator's role", "manageauth?id=0", "admin", 400, "The role has no users; expected that of auth htpasswd"},
		{"neither", "manageauth", "admin", 400, "Missing parameter: mount"},
		{"the first list", "manageauth?id=4", "admin", 200, role + `<users></users></role></icestats>`},
		{
			"a new user", "manageauth.xsl?id=4&action=add&username=foo&password=bar", "admin", 200,
			role + `<users><user><username>foo</username></user></users></role><iceresponse><message>User added</message></iceresponse></icestats>`,
		},
		{"where the id is found", "stats", "admin", 200, `<icestats><authentication>` + role + `</role></authentication>`},
		{
			"JSON", "manageauth.json?id=4&action=delete&username=foo", "admin", 200,
			`"name":"/foo.ogg","type":"htpasswd","users":{}}]}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/admin/"+tt.target, nil)
			if tt.password != "" {
				r.SetBasicAuth("admin", tt.password)
			}
			resp := h.Do(t, r)
			moduletest.CheckStatus(t, resp, tt.status)
			if got := moduletest.Body(t, resp); !strings.Contains(got, tt.want) {
				t.Errorf("%s; want %s", got, tt.want)
			}
		})
	}
}
