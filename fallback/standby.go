package fallback

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/caddycast/caddycast/streaming/format"
)

// StandbyTitle is the title of the standby loop.
const StandbyTitle = "We will be back shortly"

//go:generate sh standby/make.sh

//go:embed standby/*.mp3 standby/*.aac standby/*.opus
var standbyFiles embed.FS

// standbyLoops are the variants of the loop, two soft tones and a pause. Of each type the
// first one is for listeners who have heard nothing yet.
var standbyLoops = []struct {
	file        string
	contentType string
	audio       format.Audio
}{
	{"stereo-44100.mp3", "audio/mpeg", format.Audio{Rate: 44100, Channels: 2}},
	{"stereo-48000.mp3", "audio/mpeg", format.Audio{Rate: 48000, Channels: 2}},
	{"mono-44100.mp3", "audio/mpeg", format.Audio{Rate: 44100, Channels: 1}},
	{"mono-48000.mp3", "audio/mpeg", format.Audio{Rate: 48000, Channels: 1}},
	{"stereo-44100.aac", "audio/aac", format.Audio{Rate: 44100, Channels: 2}},
	{"stereo-48000.aac", "audio/aac", format.Audio{Rate: 48000, Channels: 2}},
	{"mono-44100.aac", "audio/aac", format.Audio{Rate: 44100, Channels: 1}},
	{"mono-48000.aac", "audio/aac", format.Audio{Rate: 48000, Channels: 1}},
	{"stereo-48000.opus", "application/ogg", format.Audio{Rate: 48000, Channels: 2}},
	{"mono-48000.opus", "application/ogg", format.Audio{Rate: 48000, Channels: 1}},
}

// standbyExtensions are the extensions of mounts that usually have a type.
var standbyExtensions = map[string][]string{
	"audio/mpeg":      {".mp3"},
	"audio/aac":       {".aac", ".aacp"},
	"application/ogg": {".ogg", ".opus", ".oga"},
}

// Standby returns the names of the standby loop, for a Rule: one for each type and audio.
// Those of the type that fits the extension of the mount are first.
func Standby(mount string) []string {
	var fitting, others []string
	for _, s := range standbyLoops {
		if slices.Contains(standbyExtensions[s.contentType], path.Ext(mount)) {
			fitting = append(fitting, standbyPrefix+s.file)
		} else {
			others = append(others, standbyPrefix+s.file)
		}
	}
	return append(fitting, others...)
}

// IsStandby reports whether a name is one of the standby loop.
func IsStandby(name string) bool {
	_, ok := standbyKind(name)
	return ok
}

// standbyKind returns the kind of a name of the standby loop. It reports false for other
// names.
func standbyKind(name string) (streamKind, bool) {
	for _, s := range standbyLoops {
		if name == standbyPrefix+s.file {
			return streamKind{contentType: s.contentType, kind: s.contentType, audio: s.audio}, true
		}
	}
	return streamKind{}, false
}

// newStandbyPlayer returns a player of a variant of the standby loop.
func newStandbyPlayer(file string, o Options) *Player {
	p := NewPlayer([]string{"standby/" + file}, o)
	p.playFrom(standbyFiles)
	p.title = &format.Comments{Title: StandbyTitle}
	return p
}

// playFrom makes the player read files of fsys. Patterns and directories work only in the
// file system of the operating system.
func (p *Player) playFrom(fsys fs.FS) {
	p.list.stat = func(path string) (fs.FileInfo, error) { return fs.Stat(fsys, path) }
	p.open = func(path string) (file, error) {
		f, err := fsys.Open(path)
		if err != nil {
			return nil, err
		}
		seekable, ok := f.(file)
		if !ok {
			_ = f.Close()
			return nil, fmt.Errorf("%T cannot be played; expected a file that can seek", f)
		}
		return seekable, nil
	}
}
