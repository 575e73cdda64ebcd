package state

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/hooks"
)

// newHookStore returns a store whose files are in a new folder.
func newHookStore(t *testing.T) (store hookStore, dir string, lines *observer.ObservedLogs) {
	core, lines := observer.New(zap.WarnLevel)
	g := acquireFor(t, zap.New(core))
	dir = t.TempDir()
	g.Storage = &certmagic.FileStorage{Path: dir}
	g.current.Store(g) // Publish would begin its hooks, which discard what none of them claims
	return hookStore{g.Station}, dir, lines
}

func TestTheHookStoreHasEachQueuesKeys(t *testing.T) {
	store, _, _ := newHookStore(t)
	if keys, err := store.List(t.Context(), "a"); len(keys) > 0 || err != nil {
		t.Errorf("an empty store lists %q, %v", keys, err)
	}
	want := []string{hooks.DocumentKey, "0000000000000001-x", "0000000000000002-x"}
	for _, hook := range []string{"a", "b"} {
		for _, key := range want {
			if err := store.Save(t.Context(), hook, key, []byte(hook+key)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := store.Delete(t.Context(), "b", hooks.DocumentKey); err != nil {
		t.Error(err)
	}
	for hook, want := range map[string][]string{"a": want, "b": want[1:], "c": nil} {
		keys, err := store.List(t.Context(), hook)
		if slices.Sort(keys); err != nil || !slices.Equal(keys, want) {
			t.Errorf("queue %s has keys %q, %v; want %q", hook, keys, err, want)
		}
		for _, key := range want {
			if value, err := store.Load(t.Context(), hook, key); err != nil || string(value) != hook+key {
				t.Errorf("queue %s: key %q is %q, %v", hook, key, value, err)
			}
		}
	}
}

// A hook that is missing from the configuration for a moment finds its events when it
// comes back; they are not stored for ever.
func TestEventsOfARemovedHookAreDiscardedAfterADay(t *testing.T) {
	store, dir, lines := newHookStore(t)
	old := time.Now().Add(-2 * unclaimedTime)
	age := func(place string) {
		if err := os.Chtimes(filepath.Join(dir, place), old, old); err != nil {
			t.Fatal(err)
		}
	}
	keys := []string{hooks.DocumentKey, "0000000000000001-x"}
	for _, hook := range []string{"used", "gone", "gone just now"} {
		for _, key := range keys {
			if err := store.Save(t.Context(), hook, key, []byte(hook)); err != nil {
				t.Fatal(err)
			}
			place, err := store.key(hook, key)
			if err != nil {
				t.Fatal(err)
			}
			if hook != "gone just now" {
				age(place)
			}
		}
	}
	folder, err := store.folder()
	if err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(folder, "123456789") // of a write that was killed
	if err := os.WriteFile(filepath.Join(dir, leftover), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	age(leftover)
	if err := store.DeleteStale(t.Context(), []string{"used"}); err != nil {
		t.Fatal(err)
	}
	for hook, want := range map[string]string{"used": "used", "gone": "", "gone just now": "gone just now"} {
		for _, key := range keys {
			if got, _ := store.Load(t.Context(), hook, key); string(got) != want {
				t.Errorf("queue %q: key %q is %q; want %q", hook, key, got, want)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, leftover)); !os.IsNotExist(err) {
		t.Errorf("the leftover of a killed write is still there: %v", err)
	}
	if n := lines.FilterMessage("discarded stored events of a removed hook").Len(); n != 1 || lines.Len() != 1 {
		t.Errorf("logged was %v; want one line for the one removed hook", lines.All())
	}
}
