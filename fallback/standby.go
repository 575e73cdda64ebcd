package fallback

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"

	"github.com/caddycast/caddycast/streaming/format"
)

// StandbyTitle is the title of the standby loop.
const StandbyTitle = "We will be back shortly"

// standbyFiles are made by standby/make.sh.
//
//go:embed standby/standby.mp3 standby/standby.aac standby/standby.opus
var standbyFiles embed.FS

// standbyLoops are the variants of the loop.
var standbyLoops = []struct {
	path  string
	types []string // all names of the content type, the main one first

	extensions []string // of mounts that usually have this type
}{
	{"standby/standby.mp3", []string{"audio/mpeg", "", "audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/x-mpeg", "audio/mpa"}, []string{".mp3"}},
	{"standby/standby.aac", []string{"audio/aac", "audio/aacp", "audio/x-aac", "audio/x-hx-aac-adts"}, []string{".aac", ".aacp"}},
	{"standby/standby.opus", []string{"application/ogg", "application/x-ogg", "audio/ogg", "audio/opus"}, []string{".ogg", ".opus", ".oga"}},
}

// StandbyPlayer returns a player of the standby loop, two soft tones and a pause, for a
// mount of a content type: MP3 (also if contentType is empty), AAC or Ogg Opus. For other
// types it returns an error.
func StandbyPlayer(contentType string, o Options) (*Player, error) {
	contentType = format.Canonical(contentType)
	for _, s := range standbyLoops {
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
	return nil, fmt.Errorf("standby: unsupported content type %s; expected audio/mpeg, audio/aac or application/ogg", contentType)
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
