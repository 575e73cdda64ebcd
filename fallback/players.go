package fallback

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/streaming"
)

// retryAfter is the pause after a player could not play.
const retryAfter = 30 * time.Second

// Players feed mounts with files and with the standby loop. Each player runs while it has
// listeners. Players is safe for concurrent use.
type Players struct {
	// Set once.
	station *streaming.Station
	log     func() *zap.Logger

	running sync.WaitGroup // the goroutines of start

	mu      sync.Mutex
	closed  bool
	playing map[string]*Player    // by name; nil: starting
	kinds   map[string]streamKind // known, also of players that have ended
	retryAt map[string]time.Time  // of players that could not play
}

// NewPlayers returns the players of a station.
func NewPlayers(station *streaming.Station, log func() *zap.Logger) *Players {
	return &Players{
		station: station, log: log,
		playing: make(map[string]*Player), kinds: make(map[string]streamKind), retryAt: make(map[string]time.Time),
	}
}

const (
	filePrefix    = "file:"
	standbyPrefix = "standby:"
)

// File returns the name of a fallback of files, for a Rule.
func File(files []string) string { return filePrefix + strings.Join(files, "\x00") }

// open returns the player of a name.
func (p *Players) open(name string, onTitle func(artist, title string)) *Player {
	o := Options{OnTitle: onTitle, Log: p.log()}
	if file, ok := strings.CutPrefix(name, standbyPrefix); ok {
		return newStandbyPlayer(file, o)
	}
	return NewPlayer(strings.Split(strings.TrimPrefix(name, filePrefix), "\x00"), o)
}

// canPlay reports whether a player can be started for listeners, as far as it is known.
func (p *Players) canPlay(name string, q streaming.Query) bool {
	if p.retryIn(name, q.Now) > 0 {
		return false
	}
	kind, known := standbyKind(name)
	if !known {
		p.mu.Lock()
		kind, known = p.kinds[name]
		p.mu.Unlock()
	}
	return !known || (q.Type == "" || kind.kind == q.Type) && q.Audio.Fits(kind.audio)
}

// retryIn returns the remaining pause of a player that could not play, 0 if it may be
// started.
func (p *Players) retryIn(name string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.retryAt[name].Sub(now))
}

// start starts a player, unless it is running. Close waits for its end.
func (p *Players) start(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, running := p.playing[name]
	if running || p.closed || time.Now().Before(p.retryAt[name]) {
		return
	}
	p.playing[name] = nil
	p.running.Go(func() { p.play(name) })
}

// Close stops all players for good. It returns when they have ended, or with an error when
// ctx is done.
func (p *Players) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	for _, player := range p.playing {
		if player != nil {
			player.Close()
		}
	}
	p.mu.Unlock()
	ended := make(chan struct{})
	go func() { // it ends with the last player, even after ctx
		p.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// play feeds the mount of a name until the player is stopped or cannot continue.
func (p *Players) play(name string) {
	err := p.feed(name)
	if errors.Is(err, streaming.ErrClosed) || errors.Is(err, io.EOF) { // the station or the player is closed
		err = nil
	}
	p.mu.Lock()
	delete(p.playing, name)
	delete(p.retryAt, name)
	if err != nil {
		delete(p.kinds, name) // after success it stays known, so that a mismatch is no new start
		p.retryAt[name] = time.Now().Add(retryAfter)
	}
	p.mu.Unlock()
	if err != nil {
		p.log().Warn("fallback cannot be played", zap.String("fallback", Label(name)), zap.Error(err))
	}
	p.station.Reconsider()
}

// feed runs a player as a source. It returns an error if nothing could be played, and
// io.EOF if the player was closed.
func (p *Players) feed(name string) error {
	src := &streaming.Source{User: "fallback"}
	src.SetOnDemand(true)
	player := p.open(name, func(artist, title string) { src.Mount().Announce(artist, title, "") })
	defer player.Close()
	if !p.register(name, player) {
		return io.EOF
	}
	kind, err := player.Open()
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.kinds[name] = kind
	p.mu.Unlock()
	if err := p.station.NewSource(name, src, streaming.Info{ContentType: kind.contentType}, player.Close); err != nil {
		return err
	}
	defer src.End()
	if r := src.Run(player); r == streaming.Disconnected {
		_, err = player.Read(make([]byte, 1))
	}
	return err
}

// register hands a player to Close. It reports false if Close has been called.
func (p *Players) register(name string, player *Player) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.playing[name] = player
	return true
}

// Label returns a name for logs and pages: the files of a player, or the mount.
func Label(name string) string {
	if files, ok := strings.CutPrefix(name, filePrefix); ok {
		return strings.ReplaceAll(files, "\x00", " ")
	}
	return name
}
