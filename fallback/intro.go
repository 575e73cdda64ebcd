package fallback

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// ReadIntro reads a file that listeners are to hear before a stream. As where a file
// stands in for a mount, nothing but sound is taken of it.
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
			return nil, fmt.Errorf("%s: an intro is %d bytes at most", path, blocklog.MaxIntro)
		}
	}
	intro, err := blocklog.NewIntro(p.kind.contentType, sound)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return intro, nil
}
