package htpasswd

import (
	"errors"
	"strings"
	"testing"
)

func TestAUserIsAddedAndTakenAway(t *testing.T) {
	const before = "# ours\nbob:$6$x$y\nann:5f4dcc3b5aa765d61d8327deb882cf99"
	text, err := Add([]byte(before), "zoë", "päss word")
	if err != nil {
		t.Fatal(err)
	}
	users, _, err := Parse(text)
	if err != nil || len(users) != 2 || !Matches(users["zoë"], "päss word") || !strings.HasPrefix(string(text), before+"\n") {
		t.Errorf("%s: %v, %v", text, users, err)
	}
	for _, user := range []string{"ann", "bob", "zoë"} {
		if _, err := Add(text, user, "x"); !errors.Is(err, ErrExists) {
			t.Errorf("%s is added once more: %v", user, err)
		}
		if text, err = Remove(text, user); err != nil {
			t.Errorf("%s: %v", user, err)
		}
	}
	if string(text) != "# ours\n" {
		t.Errorf("left is %q", text)
	}
	if _, err := Remove(text, "ann"); !errors.Is(err, ErrNoUser) {
		t.Errorf("%v; want that there is none", err)
	}
}

func TestWhoCannotBeAUser(t *testing.T) {
	for _, user := range []string{"", "a:b", "#a", " a", "a\n", "a\x00b", strings.Repeat("a", 256)} {
		if _, err := Add(nil, user, "x"); !errors.Is(err, ErrBadName) {
			t.Errorf("%q: %v", user, err)
		}
	}
	for _, password := range []string{"", strings.Repeat("a", 73)} {
		if _, err := Add(nil, "ann", password); !errors.Is(err, ErrPassword) {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func FuzzWhoIsAddedMayComeIn(f *testing.F) {
	f.Add("a:5f4dcc3b5aa765d61d8327deb882cf99", "bob", "x")
	f.Fuzz(func(t *testing.T, text, user, password string) {
		before, _, err := Parse([]byte(text))
		if err != nil {
			return
		}
		added, err := Add([]byte(text), user, password)
		if err != nil {
			return
		}
		users, _, err := Parse(added)
		if err != nil || len(users) != len(before)+1 || !Matches(users[user], password) {
			t.Errorf("%q and %q make %q: %v", text, user, added, err)
		}
	})
}
