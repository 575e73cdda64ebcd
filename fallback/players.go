package fallback

import (
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/format"
)

// brokenFor is how long a player that could not play is left alone.
const brokenFor = 30 * time.Second

// Players feed mounts that stand in for others and have no source of their own:
// files, and the standby loop. Each plays while somebody hears it.
type Players struct {
	station *streaming.Station
	log     func() *zap.Logger

	mu      sync.Mutex
	playing map[string]bool
	types   map[string]string    // content types, where they are known
	until   map[string]time.Time // what could not be played is left alone
}

// NewPlayers returns the players of a station.
func NewPlayers(station *streaming.Station, log func() *zap.Logger) *Players {
	return &Players{
		station: station, log: log,
		playing: make(map[string]bool), types: make(map[string]string), until: make(map[string]time.Time),
	}
}

const (
	filePrefix    = "file:"
	standbyPrefix = "standby:"
)

// File returns the name by which a fallback of files goes in a Rule.
func File(files []string) string { return filePrefix + strings.Join(files, "\x00") }

// Standby returns the names of the standby loop, one for each content type, that
// which a mount's name tells first.
func Standby(mount string) []string {
	var names []string
	for _, s := range standbys {
		name := standbyPrefix + s.types[0]
		if slices.Contains(s.extensions, path.Ext(mount)) {
			names = append([]string{name}, names...)
		} else {
			names = append(names, name)
		}
	}
	return names
}

// open returns what plays for a name.
func (p *Players) open(name string, onTitle func(artist, title string)) (*Player, error) {
	o := Options{OnTitle: onTitle, Log: p.log()}
	if contentType, ok := strings.CutPrefix(name, standbyPrefix); ok {
		return StandbyPlayer(contentType, o)
	}
	return NewPlayer(strings.Split(strings.TrimPrefix(name, filePrefix), "\x00"), o), nil
}

func (p *Players) contentType(name string) string {
	if t, ok := strings.CutPrefix(name, standbyPrefix); ok {
		return t
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.types[name]
}

// broken returns for how long what could not be played is left alone, 0 if it may
// be tried.
func (p *Players) broken(name string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.until[name].Sub(now))
}

// start begins to play, unless that is so already.
func (p *Players) start(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.playing[name] || time.Now().Before(p.until[name]) {
		return
	}
	p.playing[name] = true
	go p.play(name)
}

// play feeds the mount of that name until it is stopped, or can't go on.
func (p *Players) play(name string) {
	err := p.feed(name)
	if errors.Is(err, streaming.ErrClosed) {
		err = nil
	}
	p.mu.Lock()
	delete(p.playing, name)
	delete(p.until, name)
	if err != nil {
		delete(p.types, name) // else it stays known, or who can't hear it would have it started for ever
		p.until[name] = time.Now().Add(brokenFor)
	}
	p.mu.Unlock()
	if err != nil {
		p.log().Warn("a fallback can't be played", zap.String("fallback", Label(name)), zap.Error(err))
	}
	p.station.Reconsider()
}

// feed returns an error if what the name stands for could not be played.
func (p *Players) feed(name string) error {
	src := &streaming.Source{User: "fallback"}
	src.SetOnDemand(true)
	player, err := p.open(name, func(artist, title string) { src.Mount().Announce(artist, title, "") })
	if err != nil {
		return err
	}
	defer player.Close()
	contentType, err := player.Open()
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.types[name] = format.Family(contentType)
	p.mu.Unlock()
	if err := p.station.NewSource(name, src, streaming.Info{ContentType: contentType}, player.Close); err != nil {
		return err
	}
	defer src.End()
	if r := src.Run(player); r == streaming.Disconnected {
		_, err = player.Read(make([]byte, 1))
	}
	return err
}

// Label is a name as people read it.
func Label(name string) string {
	if files, ok := strings.CutPrefix(name, filePrefix); ok {
		return strings.ReplaceAll(files, "\x00", " ")
	}
	return name
}
