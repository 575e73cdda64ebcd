package state

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/caddymodule/ban"
)

// withBans returns the station with the test's name, in force with a storage.
func withBans(t *testing.T, dir string, log *zap.Logger) *Generation {
	t.Helper()
	g, err := Acquire(t.Name(), log, func(string) *MountPolicy { return new(MountPolicy) })
	if err != nil {
		t.Fatal(err)
	}
	g.Resolve()
	g.Storage = &certmagic.FileStorage{Path: dir}
	g.Publish()
	return g
}

func TestBansOutliveTheStation(t *testing.T) {
	dir := t.TempDir()
	var kept, removed ban.Ban
	for round := range 3 {
		g := withBans(t, dir, zap.NewNop())
		switch round {
		case 0:
			for value, to := range map[string]*ban.Ban{"anna": &kept, "bert": &removed} {
				b, err := ban.Parse(ban.User, value)
				if err != nil {
					t.Fatal(err)
				}
				if *to, _, _, err = g.Ban(b); err != nil {
					t.Fatal(err)
				}
			}
		case 1:
			if n := len(g.Bans()); n != 2 {
				t.Errorf("%d are left", n)
			}
			if _, _, err := g.Unban(removed.ID, "admin", ""); err != nil {
				t.Error(err)
			}
		default:
			if all := g.Bans(); len(all) != 1 || all[0].ID != kept.ID {
				t.Errorf("left are %v", all)
			}
		}
		if err := g.Release(); err != nil {
			t.Error(err)
		}
	}
}

func TestStoredBansThatCannotBeReadAreReplaced(t *testing.T) {
	dir := t.TempDir()
	core, lines := observer.New(zap.ErrorLevel)
	g := withBans(t, dir, zap.New(core))
	defer func() { _ = g.Release() }()
	b, err := ban.Parse(ban.User, "anna")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := g.Ban(b); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "icecast", "bans", "*", "*.json"))
	if len(files) != 1 {
		t.Fatalf("stored are %q", files)
	}
	if err := os.WriteFile(files[0], []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.banStore.load()
	if n := lines.FilterMessage("stored bans unreadable; they are replaced").Len(); n != 1 || len(g.Bans()) != 1 {
		t.Errorf("logged %d times; %v", n, g.Bans())
	}
	g.banStore.load()
	if n := lines.Len(); n != 1 {
		t.Errorf("logged %v", lines.All())
	}
}
