package state_test

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming/relay"
)

// lines returns the data of an event, without the first line.
func lines(text string) string {
	_, data, _ := strings.Cut(text, "data: #\n")
	return strings.ReplaceAll(strings.TrimSpace(data), "data: ", "")
}

// nextEvent waits for the next event of a follower that can't wait.
func nextEvent(t *testing.T, f *state.StreamFollower) string {
	t.Helper()
	return nextEventOr(t, f, nil)
}

// nextEventOr waits for the next event of a follower, and looks for it at each beat, too.
func nextEventOr(t *testing.T, f *state.StreamFollower, beat <-chan time.Time) string {
	t.Helper()
	limit := time.After(moduletest.Patience)
	for {
		updated := f.Updated()
		if text := f.Next(); text != "" {
			return text
		}
		select {
		case <-updated:
		case <-beat:
		case <-limit:
			t.Fatal("no event")
		}
	}
}

func TestAListIsFollowedByItsChanges(t *testing.T) {
	st := moduletest.New(t, &caddymodule.Station{
		RelayPassword: &auth.Credential{Password: "relay"},
		Mounts:        []*caddymodule.Mount{{Path: "/pay", RequireTLS: new(true)}, {Path: "/hidden", HiddenFromSlaves: new(true)}},
	})
	st.OnAir(t, "/live", nil)
	f, ok := st.FollowStreams(nil, "slave", "")
	if !ok {
		t.Fatal("too many follow")
	}
	defer f.Close()
	whole := nextEvent(t, f)
	if !strings.HasPrefix(whole, "event: list\nid: ") || lines(whole) != "/live" {
		t.Errorf("the first event is %q", whole)
	}
	if text := f.Next(); text != "" {
		t.Errorf("without a change there is %q", text)
	}
	pay := st.OnAir(t, "/pay", nil)
	first := nextEvent(t, f)
	if !strings.HasPrefix(first, "event: changes\n") || lines(first) != "+/pay\ttls" {
		t.Errorf("the event is %q", first)
	}
	st.OnAir(t, "/hidden", nil)
	pay.End()
	beat := time.NewTicker(50 * time.Millisecond)
	defer beat.Stop()
	var all string
	for !strings.Contains(all, "-/pay") {
		all += nextEventOr(t, f, beat.C)
	}
	if strings.Contains(all, "hidden") || strings.Contains(all, "event: list") {
		t.Errorf("the events are %q", all)
	}
	_, id, _ := strings.Cut(whole, "id: ")
	id, _, _ = strings.Cut(id, "\n")
	latest, _, _ := strings.Cut(all[strings.LastIndex(all, "id: ")+len("id: "):], "\n")
	for _, tt := range []struct{ name, last, prefix, lines string }{
		{"nothing was missed", latest, "event: changes\n", ""},
		{"what was missed", id, "event: changes\n", "-/pay"},
		{"of another process", "0-1", "event: list\n", "/live"},
		{"no id", "x", "event: list\n", "/live"},
	} {
		again, _ := st.FollowStreams(nil, "slave", tt.last)
		text := again.Next()
		if !strings.HasPrefix(text, tt.prefix) || lines(text) != tt.lines {
			t.Errorf("%s: %q; want %q", tt.name, text, tt.lines)
		}
		again.Close()
	}
}

// A slave may name any version as its last one: the list must not be kept once for each.
func TestTheListIsMadeOnceForVersionsThatNeverWere(t *testing.T) {
	st := moduletest.New(t, &caddymodule.Station{RelayPassword: &auth.Credential{Password: "relay"}})
	st.OnAir(t, "/live", nil)
	f, _ := st.FollowStreams(nil, "slave", "")
	defer f.Close()
	first := nextEvent(t, f)
	_, id, _ := strings.Cut(first, "id: ")
	epoch, _, _ := strings.Cut(id, "-")
	for _, version := range []string{"1000", "18446744073709551615"} {
		again, _ := st.FollowStreams(nil, "slave", epoch+"-"+version)
		if text := again.Next(); unsafe.StringData(text) != unsafe.StringData(first) {
			t.Errorf("version %s has a text of its own: %q", version, text)
		}
		again.Close()
	}
}

// A slave that opens the list again and again takes no places of others.
func TestOneCredentialFollowsTheListABoundedNumberOfTimes(t *testing.T) {
	st := moduletest.New(t, &caddymodule.Station{RelayPassword: &auth.Credential{Password: "relay"}})
	follow := func(by *relay.Credential) bool {
		f, ok := st.FollowStreams(by, "slave", "")
		if ok {
			t.Cleanup(f.Close)
		}
		return ok
	}
	for _, tt := range []struct {
		name string
		by   *relay.Credential
		most int
	}{{"one of its own", &relay.Credential{Name: "a"}, 32}, {"the relay password", new(relay.Credential), 1000}} {
		n := 0
		for follow(tt.by) {
			n++
		}
		if n != tt.most {
			t.Errorf("%s: %d followers; want %d", tt.name, n, tt.most)
		}
	}
	if !follow(&relay.Credential{Name: "b"}) {
		t.Error("another credential does not follow")
	}
	if f, ok := st.FollowStreams(&relay.Credential{Name: "c"}, "slave", ""); ok {
		f.Close()
		for range 32 {
			if !follow(&relay.Credential{Name: "c"}) {
				t.Fatal("a follower that has ended counts")
			}
		}
	}
}

// TestOneChangeLooksAtWhatDependsOnIt: a list made by changes alone must not differ from one that is
// made anew.
func TestOneChangeLooksAtWhatDependsOnIt(t *testing.T) {
	st := moduletest.New(t, bigStation(20))
	check := func(when string, want int) {
		t.Helper()
		if n := len(st.StreamList().Paths()); n != want {
			t.Errorf("%s %d mounts are listed; want %d", when, n, want)
		}
	}
	check("at first", 0)
	backup := st.OnAir(t, "/backup", nil)
	check("with the fallback", 21)
	one := st.OnAir(t, "/live1", nil)
	other := st.OnAir(t, "/other", nil)
	check("with another", 22)
	one.End()
	other.End()
	check("without it", 21)
	backup.End()
	check("without the fallback", 0)
}

func TestAListIsNotMadeAnewWithoutAChange(t *testing.T) {
	st := moduletest.New(t, bigStation(20))
	st.OnAir(t, "/backup", nil)
	first := st.StreamList()
	st.Touch("/live1")
	if st.StreamList() != first {
		t.Error("it is another list")
	}
}
