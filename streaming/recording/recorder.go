package recording

import (
	"bytes"
	"os"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/format"
)

const (
	// step is how often a recorder looks what has come.
	step = 250 * time.Millisecond

	// maxBehind is how many bytes wait for a slow disk.
	maxBehind = 8 << 20

	// retryTime is how long a recorder waits after a file could not be written.
	retryTime = 30 * time.Second
)

// Sync says when what is written must have reached the disk.
type Sync uint8

// When files are synced.
const (
	SyncAtEnd Sync = iota // before a file gets its name
	SyncNever             // when the system likes
)

// Options are how a mount is recorded. They do not change.
type Options struct {
	Pattern   Pattern
	Every     time.Duration // a new file at each multiple of it, by the clock on the wall; 0: never
	Size      int64         // a new file when this many bytes are in one; 0: never
	Sync      Sync
	SyncEvery time.Duration // syncs while a file is written, too; 0: no
}

// Event tells of a file that has been begun, has ended, or could not be written.
type Event struct {
	Kind     Kind
	Mount    string
	File     string        // the name that it has, or will have
	Bytes    int64         // in it
	Duration time.Duration // since it was begun
	Err      error         // what went wrong
}

// Kind is what happened to a recording.
type Kind uint8

// What happens to recordings.
const (
	Started Kind = iota
	Ended
	Failed // the file, if there is one, keeps the name of an incomplete one
	Behind // the disk was too slow: some of the stream is left out
)

// recorder writes what one source sends. Its fields are its goroutine's, unless they say
// otherwise.
type recorder struct {
	// Set once.
	mount  string
	source *streaming.Source
	told   func(Event)

	tap *streaming.Tap

	options atomic.Pointer[Options] // nil: it is not to be recorded any more
	wake    chan struct{}           // options have changed; cap 1

	file     *file        // nil: none
	by       *Options     // by which it was begun
	ends     time.Time    // when there is to be another one; zero: never
	init     *format.Init // last written
	notUntil time.Time    // after a failure

	announced bool // that there is the file
	failing   bool // and the log knows
	behind    bool // and the log knows
}

// run records until the source has ended, or it is told to stop.
func (r *recorder) run() {
	timer := time.NewTimer(step)
	defer timer.Stop()
	for {
		ended := false
		select {
		case <-r.source.Ended():
			ended = true
		case <-r.wake:
		case <-timer.C:
			timer.Reset(step)
		}
		o := r.options.Load()
		if o != nil {
			r.drain(o)
		} else if r.file != nil {
			r.drain(r.by)
		}
		if ended || o == nil {
			r.finish()
			return
		}
	}
}

// drain writes all that has come.
func (r *recorder) drain(o *Options) {
	now := time.Now()
	if now.Before(r.notUntil) {
		r.tap.Skip()
		return
	}
	for {
		if r.tap.Behind() > maxBehind {
			r.fallBehind()
		}
		p, ok := r.tap.Next()
		if !ok {
			break
		}
		now = time.Now()
		if err := r.write(o, p, now); err != nil {
			r.fail(err, now)
			return
		}
	}
	if r.file == nil {
		return
	}
	if err := r.file.flush(o.SyncEvery, now); err != nil {
		r.fail(err, now)
		return
	}
	r.announce()
	if r.file.isAway() {
		r.finish() // it can't have its name, and what comes next is not to be lost with it
	}
}

// announce tells, once for each file, that there is one and that it takes something.
func (r *recorder) announce() {
	if !r.announced {
		r.announced, r.failing, r.behind = true, false, false
		r.told(Event{Kind: Started, Mount: r.mount, File: r.file.path})
	}
}

// write writes a piece, into a new file if it is time for one.
func (r *recorder) write(o *Options, p streaming.Piece, now time.Time) error {
	if p.Start && r.file != nil && r.isOver(o, p, now) {
		r.finish()
	}
	if r.file == nil {
		if !p.Start {
			return nil // nobody could play a file that begins so
		}
		if err := r.begin(o, now); err != nil {
			return err
		}
	}
	if p.Init != r.init {
		if r.init = p.Init; p.Init != nil {
			if err := r.file.write(p.Init.Data); err != nil {
				return err
			}
		}
	}
	return r.file.write(p.Data)
}

// isOver tells whether a piece with which a file may begin is to do so.
func (r *recorder) isOver(o *Options, p streaming.Piece, now time.Time) bool {
	switch {
	case *r.by != *o:
	case o.Size > 0 && r.file.bytes >= o.Size:
	case !r.ends.IsZero() && !now.Before(r.ends):
	case p.Init != r.init && !mayChange(p.Init):
	default:
		return false
	}
	return true
}

// mayChange tells whether what a decoder must know may change within a file: links of
// Ogg follow one another, and MPEG-TS says it again and again.
func mayChange(init *format.Init) bool {
	return init != nil && (bytes.HasPrefix(init.Data, []byte("OggS")) || bytes.HasPrefix(init.Data, []byte{0x47}))
}

func (r *recorder) begin(o *Options, now time.Time) (err error) {
	if r.file, err = create(o.Pattern.Expand(r.mount, now), now); err != nil {
		r.file = nil
		return err
	}
	r.by, r.init, r.announced = o, nil, false
	r.ends = nextMultiple(now, o.Every)
	return nil
}

// nextMultiple returns the next time that the clock on the wall shows a multiple of a
// duration, counted from midnight of the first day; zero if that is zero.
func nextMultiple(now time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	_, offset := now.Zone()
	east := time.Duration(offset) * time.Second
	return now.Add(east).Truncate(d).Add(d - east)
}

// finish completes the file, if there is one.
func (r *recorder) finish() {
	f := r.file
	if f == nil {
		return
	}
	if f.w.Flush() == nil {
		r.announce()
	}
	r.file = nil
	e := Event{Kind: Ended, Mount: r.mount, File: f.path, Bytes: f.bytes, Duration: time.Since(f.began)}
	if e.Err = f.close(r.by.Sync == SyncAtEnd); e.Err != nil {
		e.Kind = Failed
		r.failing = true
	}
	r.told(e)
}

// fail gives up the file, and leaves out what comes in the next seconds.
func (r *recorder) fail(err error, now time.Time) {
	e := Event{Kind: Failed, Mount: r.mount, Err: err}
	if f := r.file; f != nil {
		r.file = nil
		_ = f.f.Close()
		if info, err := os.Stat(f.path + partSuffix); err == nil && info.Size() == 0 {
			_ = os.Remove(f.path + partSuffix) // or each attempt would leave one
		}
		e.File, e.Bytes, e.Duration = f.path, f.bytes, time.Since(f.began)
	}
	r.notUntil = now.Add(retryTime)
	if !r.failing {
		r.failing = true
		r.told(e)
	}
	r.tap.Skip()
}

// fallBehind leaves out what the disk was too slow for. The log has a line, and not
// another one before there is a file again.
func (r *recorder) fallBehind() {
	lost := r.tap.Behind()
	r.tap.Skip()
	r.finish()
	if !r.behind {
		r.behind = true
		r.told(Event{Kind: Behind, Mount: r.mount, Bytes: int64(lost)})
	}
}
