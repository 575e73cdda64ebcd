package caddymodule

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// What waits for a hook that is away for a moment is there when it comes back; it is not
// kept for ever.
func TestWhatIsKeptForAHookThatIsNoMoreIsLetGoOf(t *testing.T) {
	h := newHandler(t, new(Station))
	l, dir := h.station.live, t.TempDir()
	l.last.Store(&reign{storage: &certmagic.FileStorage{Path: dir}, log: zap.NewNop()})
	store := hookStore{l}
	old := time.Now().Add(-2 * unclaimedTime)
	for _, hook := range []string{"used", "gone", "gone just now"} {
		if err := store.Save(t.Context(), hook, []byte(hook)); err != nil {
			t.Fatal(err)
		}
		key, err := store.key(hook)
		if err != nil {
			t.Fatal(err)
		}
		if hook == "gone just now" {
			continue
		}
		if err := os.Chtimes(filepath.Join(dir, key), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Tidy(t.Context(), []string{"used"}); err != nil {
		t.Fatal(err)
	}
	for hook, want := range map[string]string{"used": "used", "gone": "", "gone just now": "gone just now"} {
		if got, _ := store.Load(t.Context(), hook); string(got) != want {
			t.Errorf("of %q is kept %q; want %q", hook, got, want)
		}
	}
}
