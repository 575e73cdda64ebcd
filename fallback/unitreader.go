package fallback

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/caddycast/caddycast/streaming/format"
)

const (
	firstBuffer = 16 << 10 // bytes
	maxBuffer   = 2 * format.MaxUnit

	// maxSilence is the maximum number of bytes without audio, enough for a picture
	// in the tags. It bounds the search for a frame.
	maxSilence = 32 << 20
)

// contentError describes the content of a file that cannot be played until it changes.
type contentError struct{ reason string }

func (e contentError) Error() string { return e.reason }

var (
	errNoAudio = contentError{"no audio found"}
	errLongGap = contentError{fmt.Sprintf("no audio found in %d MiB", maxSilence>>20)}
	errClosed  = errors.New("the player is closed")
)

// playable are the types whose units have a duration and can follow one another in one
// stream.
var playable = map[string]bool{"audio/mpeg": true, "audio/aac": true, "application/ogg": true, "audio/flac": true}

// unitReader reads a file unit by unit, with a bounded buffer.
type unitReader struct {
	r          io.Reader
	stop       <-chan struct{}
	framer     format.Framer
	buf        []byte
	at         int  // bytes of buf that the framer has consumed
	final      bool // the end of the file is in buf
	sinceAudio int  // bytes consumed since the last audio
}

func newUnitReader(r io.Reader, contentType string, stop <-chan struct{}) *unitReader {
	return &unitReader{r: r, stop: stop, framer: format.New(contentType), buf: make([]byte, 0, firstBuffer)}
}

// next returns the next unit, which is valid until the next call. It returns io.EOF at the
// end of the file.
func (c *unitReader) next() (format.Unit, error) {
	for {
		for c.at < len(c.buf) {
			n, u := c.framer.Next(c.buf[c.at:], c.final)
			c.at += n
			c.sinceAudio += n
			if u.Duration > 0 {
				c.sinceAudio = 0
			}
			if u.Data != nil {
				return u, nil
			}
			if n == 0 {
				break
			}
		}
		if err := c.readMore(); err != nil {
			return format.Unit{}, err
		}
	}
}

// readMore reads more of the file.
func (c *unitReader) readMore() error {
	switch {
	case c.final:
		return io.EOF
	case closed(c.stop):
		return errClosed
	case c.sinceAudio > maxSilence:
		return errLongGap
	}
	c.buf = c.buf[:copy(c.buf, c.buf[c.at:])]
	c.at = 0
	if size := cap(c.buf); len(c.buf) == size {
		if size >= maxBuffer {
			return contentError{fmt.Sprintf("no frame ends within %d KiB", maxBuffer>>10)}
		}
		c.buf = append(make([]byte, 0, 2*size), c.buf...)
	}
	n, err := c.r.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if errors.Is(err, io.EOF) {
		c.final, err = true, nil
	}
	return err
}

// probe searches a file for the first audio and returns its kind. contentType is the
// declared type. The file is then at its beginning again.
func probe(f file, contentType string, stop <-chan struct{}) (streamKind, error) {
	c := newUnitReader(f, contentType, stop)
	for {
		u, err := c.next()
		k := streamKind{contentType: c.framer.Type()}
		switch {
		case contentType == "" && k.contentType != "" && !playable[k.contentType]:
			return k, contentError{"unsupported content type " + k.contentType + "; expected MP3, AAC (ADTS), Ogg or FLAC"}
		case errors.Is(err, io.EOF), errors.Is(err, errLongGap):
			return k, errNoAudio
		case err != nil:
			return k, err
		case isAudio(u) && u.Duration > 0:
			k.kind, k.audio = format.Kind(k.contentType, u.Init), format.AudioOf(k.contentType, u)
			if u.Init != nil {
				k.codec = u.Init.OggCodec()
			}
			_, err = f.Seek(0, io.SeekStart)
			return k, err
		}
	}
}

// streamKind is common to all files of a player. Decoders accept another link of Ogg, but
// not another codec.
type streamKind struct {
	contentType string
	codec       string       // in Ogg, if known
	kind        string       // format.Kind; empty: no file was opened yet
	audio       format.Audio // of the first file
}

func (k streamKind) String() string {
	name := k.contentType
	if _, what, ok := strings.Cut(k.kind, ";"); ok {
		name += ";" + what
	}
	if k.codec != "" {
		name += " with " + k.codec
	}
	return name
}

// isAudio reports whether a unit is part of the output. Tags are not, and neither is the
// Xing frame of an MP3 file; formats with an init have neither.
func isAudio(u format.Unit) bool { return u.Init != nil || u.Start && u.Duration > 0 }
