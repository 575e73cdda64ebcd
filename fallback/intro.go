package fallback

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// ReadIntro reads a file that listeners hear before a stream. As with a fallback file,
// only its audio is used.
func ReadIntro(path string) (*blocklog.Intro, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	p := NewPlayer([]string{path}, Options{})
	defer p.Close()
	t, err := p.openTrack(path, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer t.file.Close()
	var sound []byte
	for {
		u, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if sound = append(sound, u.data...); len(sound) > blocklog.MaxIntro {
			return nil, fmt.Errorf("%s: intro too long; expected at most %d bytes of audio", path, blocklog.MaxIntro)
		}
	}
	intro, err := blocklog.NewIntro(p.kind.contentType, sound)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return intro, nil
}
