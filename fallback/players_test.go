package fallback

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/streaming"
)

const loopName = standbyPrefix + "stereo-44100.mp3"

// newStation returns a station that is closed when the test ends.
func newStation(t *testing.T) *streaming.Station {
	t.Helper()
	st := streaming.NewStation(func(*streaming.Listener) {}, func(streaming.FeedChange) {})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := st.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return st
}

// Before, a player's goroutine could outlive its station, and log and touch it then.
func TestClosingPlayersWaitsForOneThatIsStarting(t *testing.T) {
	gate := make(chan struct{})
	players := NewPlayers(newStation(t), func() *zap.Logger { <-gate; return zap.NewNop() })
	players.start(loopName)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := players.Close(canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("while a player starts: %v, want that the time is over", err)
	}
	close(gate)
	if err := players.Close(t.Context()); err != nil {
		t.Error(err)
	}
	players.start(loopName) // too late
	if n := len(players.playing); n != 0 {
		t.Errorf("%d players after Close", n)
	}
}

func TestClosingPlayersEndsThoseThatPlay(t *testing.T) {
	log, lines := observed()
	st := newStation(t)
	players := NewPlayers(st, func() *zap.Logger { return log })
	rule := func(string) Rule { return Rule{Fallbacks: []string{loopName}} }
	st.Apply(&streaming.Settings{Director: NewDirector(rule, players, nil, nil)})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if st.Await(ctx, "/live") == nil {
		t.Fatal("the standby loop does not play")
	}
	if err := players.Close(ctx); err != nil {
		t.Error(err)
	}
	if n := len(players.playing); n != 0 {
		t.Errorf("%d players after Close", n)
	}
	if players.retryIn(loopName, time.Now()) > 0 || lines.Len() > 0 {
		t.Errorf("a closed player counts as one that cannot play: %v", lines.All())
	}
}
