package fallback

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"

	"github.com/caddycast/caddycast/streaming/format"
)

// StandbyTitle is the title of the loop that is part of the program.
const StandbyTitle = "We will be back shortly"

// standbyFiles are made by standby/make.sh.
//
//go:embed standby/standby.mp3 standby/standby.aac standby/standby.opus
var standbyFiles embed.FS

// standbys are the variants of the loop, with all names of their types.
var standbys = []struct {
	path  string
	types []string // the first one is what to say where none is asked for

	extensions []string // of mounts that probably want it
}{
	{"standby/standby.mp3", []string{"audio/mpeg", "", "audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/x-mpeg", "audio/mpa"}, []string{".mp3"}},
	{"standby/standby.aac", []string{"audio/aac", "audio/aacp", "audio/x-aac", "audio/x-hx-aac-adts"}, []string{".aac", ".aacp"}},
	{"standby/standby.opus", []string{"application/ogg", "application/x-ogg", "audio/ogg", "audio/opus"}, []string{".ogg", ".opus", ".oga"}},
}

// StandbyPlayer returns a player of two soft tones and a pause, which is part of
// the program, for a mount of a content type: as MP3, also where the type is not
// known ("" or "audio/mpeg"), as AAC, or as Ogg Opus. There is none for other types.
func StandbyPlayer(contentType string, o Options) (*Player, error) {
	contentType = format.Canonical(contentType)
	for _, s := range standbys {
		if !slices.Contains(s.types, contentType) {
			continue
		}
		if contentType == "" {
			contentType = s.types[0]
		}
		o.ContentType = contentType
		p := NewPlayer([]string{s.path}, o)
		p.playFrom(standbyFiles)
		p.title = &format.Comments{Title: StandbyTitle}
		return p, nil
	}
	return nil, fmt.Errorf("there is no standby loop of %s, only of audio/mpeg, audio/aac and application/ogg", contentType)
}

// playFrom makes files be those of a file system. Patterns and directories are for
// the real one.
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
			return nil, fmt.Errorf("%T can't be played", f)
		}
		return seekable, nil
	}
}
