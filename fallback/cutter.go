package fallback

import (
	"errors"
	"fmt"
	"io"

	"github.com/caddycast/caddycast/streaming/format"
)

const (
	firstBuffer = 16 << 10 // room for what is read of a file
	maxBuffer   = 2 * format.MaxUnit

	// maxSilent is how many bytes of a file may pass without sound, for a picture
	// in its tags. It bounds how long anything is looked for.
	maxSilent = 32 << 20
)

// unfitError says what is wrong with the content of a file, which can't be played
// until that changes.
type unfitError struct{ why string }

func (e unfitError) Error() string { return e.why }

var (
	errSilent = unfitError{"no sound was found in it"}
	errGap    = unfitError{fmt.Sprintf("no sound was found in %d MiB of it", maxSilent>>20)}
	errClosed = errors.New("the player is closed")
)

// playable are the kinds of files whose units say how long they last, and that may
// follow one another in one stream.
var playable = map[string]bool{"audio/mpeg": true, "audio/aac": true, "application/ogg": true, "audio/flac": true}

// cutter reads a file unit by unit. It holds a piece of it, however long it is.
type cutter struct {
	r      io.Reader
	stop   <-chan struct{}
	framer format.Framer
	buf    []byte // what was read
	at     int    // the framer has consumed it up to here
	final  bool   // there is no more to be read
	silent int    // bytes consumed since there was sound
}

func newCutter(r io.Reader, contentType string, stop <-chan struct{}) *cutter {
	return &cutter{r: r, stop: stop, framer: format.New(contentType), buf: make([]byte, 0, firstBuffer)}
}

// next returns the next unit, which is good until the next call. It returns io.EOF
// at the end of the file.
func (c *cutter) next() (format.Unit, error) {
	for {
		for c.at < len(c.buf) {
			n, u := c.framer.Next(c.buf[c.at:], c.final)
			c.at += n
			c.silent += n
			if u.Duration > 0 {
				c.silent = 0
			}
			if u.Data != nil {
				return u, nil
			}
			if n == 0 {
				break
			}
		}
		if err := c.fill(); err != nil {
			return format.Unit{}, err
		}
	}
}

// fill reads more of the file.
func (c *cutter) fill() error {
	switch {
	case c.final:
		return io.EOF
	case closed(c.stop):
		return errClosed
	case c.silent > maxSilent:
		return errGap
	}
	c.buf = c.buf[:copy(c.buf, c.buf[c.at:])]
	c.at = 0
	if size := cap(c.buf); len(c.buf) == size {
		if size >= maxBuffer {
			return unfitError{"it has longer frames than any format"}
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

// probe looks for the first sound in a file that is called so, and returns of what
// kind it is. It leaves the file at its beginning.
func probe(f file, contentType string, stop <-chan struct{}) (kind, error) {
	c := newCutter(f, contentType, stop)
	for {
		u, err := c.next()
		k := kind{contentType: c.framer.Type()}
		switch {
		case contentType == "" && k.contentType != "" && !playable[k.contentType]:
			return k, unfitError{k.contentType + " can't be paced; files of MP3, AAC (ADTS), Ogg and FLAC can"}
		case errors.Is(err, io.EOF), errors.Is(err, errGap):
			return k, errSilent
		case err != nil:
			return k, err
		case goesOut(u) && u.Duration > 0:
			if u.Init != nil && isOgg(u.Init.Data) {
				k.codec = oggCodec(u.Init.Data)
			}
			_, err = f.Seek(0, io.SeekStart)
			return k, err
		}
	}
}

// kind is what all files of a player have in common. A decoder goes on with another
// link of Ogg, but not with another codec.
type kind struct {
	contentType string
	codec       string // in Ogg, if it is known
}

func (k kind) String() string {
	if k.codec == "" {
		return k.contentType
	}
	return k.contentType + " with " + k.codec
}

// goesOut tells whether a unit is part of the stream. Tags are none, nor is the
// frame that describes an MP3 file; formats that have an init have neither.
func goesOut(u format.Unit) bool { return u.Init != nil || u.Start && u.Duration > 0 }
