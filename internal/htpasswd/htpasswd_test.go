package htpasswd

import (
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/caddycast/caddycast/internal/programs"
)

func TestEveryKindOfHashMatchesItsPasswordAlone(t *testing.T) {
	byBcrypt, err := bcrypt.GenerateFromPassword([]byte("p w:ö"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for name, hash := range map[string]string{
		"bcrypt":                       string(byBcrypt),
		"bcrypt as htpasswd writes it": "$2y" + string(byBcrypt[3:]),
		"apr1":                         "$apr1$abcdefgh$5JUQ.MLe8Lll0XVV2iaGs1",
		"sha":                          "{SHA}INW22WD0WaqgiF7pkqDt33owKHU=",
		"md5":                          "1e1c4aad0a9c1b8b2e4b8b4bd0d5d1b9",
	} {
		if !supported(hash) {
			t.Errorf("%s: it is not supported", name)
		}
		if Matches(hash, "wrong") || Matches(hash, "") {
			t.Errorf("%s: it matches any password", name)
		}
	}
	if !Matches(string(byBcrypt), "p w:ö") {
		t.Error("bcrypt does not match")
	}
	if !Matches("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "password") || !Matches("5F4DCC3B5AA765D61D8327DEB882CF99", "password") {
		t.Error("SHA or MD5 does not match")
	}
}

func TestApr1IsThatOfOpenssl(t *testing.T) {
	for n := range 70 {
		password, salt := strings.Repeat("pä$:", 20)[:n], "sAlt./12"[:1+n%8]
		out, err := exec.Command(programs.Path(t, "openssl"), "passwd", "-apr1", "-salt", salt, "--", password).Output()
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSpace(string(out)); n > 0 && apr1(password, salt) != want {
			t.Errorf("%q with %q: %s, want %s", password, salt, apr1(password, salt), want)
		}
	}
}

func TestAFileIsReadOrItsLineIsNamed(t *testing.T) {
	const md5 = "5f4dcc3b5aa765d61d8327deb882cf99"
	users, unsupported, err := Parse([]byte("\ufeff# users\r\n\na:" + md5 + "\r\nb: " + md5 + ":more\na:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="))
	if err != nil || len(users) != 2 || users["a"] != md5 || users["b"] != md5 || unsupported != nil {
		t.Errorf("%v, %v, %v", users, unsupported, err)
	}
	for _, text := range []string{"a", ":" + md5, "a:", "a: "} {
		if _, _, err := Parse([]byte("b:" + md5 + "\n" + text)); err == nil || !strings.HasPrefix(err.Error(), "line 2: not a user; expected user:hash") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{
		"a:" + md5[1:], "a:" + md5 + "0", "a:{SHA}x", "a:{SHA}", "a:$apr1$", "a:$apr1$x$short", "a:$2y$",
		"a:$2y$31$123456789012345678901234567890123456789012345678901234", "a:$6$x$y", "a:plain",
	} {
		users, unsupported, err := Parse([]byte("b:" + md5 + "\n" + text))
		if err != nil || len(users) != 1 || len(unsupported) != 1 || unsupported[0] != 2 {
			t.Errorf("%q: %v, %v, %v", text, users, unsupported, err)
		}
		if _, _, err := Parse([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), "line 1: unsupported hash; expected user:hash") {
			t.Errorf("%q alone: %v", text, err)
		}
	}
}

func FuzzParseTakesAnything(f *testing.F) {
	f.Add("a:5f4dcc3b5aa765d61d8327deb882cf99\n", "x")
	f.Add("a:$apr1$abc$5JUQ.MLe8Lll0XVV2iaGs1", "x")
	f.Add("a:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "x")
	f.Fuzz(func(t *testing.T, text, password string) {
		users, _, err := Parse([]byte(text))
		if err != nil {
			return
		}
		for _, hash := range users {
			if !IsSlow(hash) {
				Matches(hash, password)
			}
		}
	})
}
