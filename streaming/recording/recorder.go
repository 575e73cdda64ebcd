package recording

import (
	"bytes"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/format"
)

const (
	// drainInterval is how often a recorder writes what has arrived. A signal for each
	// block would wake it far more often, to write the same bytes in smaller pieces.
	drainInterval = 250 * time.Millisecond

	// maxBehind bounds the bytes that wait for a slow disk.
	maxBehind = 8 << 20

	// retryDelay is how long a recorder skips the stream after a failed write.
	retryDelay = 30 * time.Second
)

// recorder writes the stream of one source. It is one goroutine, run.
type recorder struct {
	// Set once.
	mount   string
	source  *streaming.Source
	observe func(Event)

	// For any goroutine.
	options atomic.Pointer[Options] // nil: end the recording
	wake    chan struct{}           // cap 1: options have changed

	// Owned by run.
	tap         *streaming.Tap
	file        *file        // nil: none
	fileOptions *Options     // of file
	rotateAt    time.Time    // when the next file begins; zero: never
	init        *format.Init // last written
	retryAt     time.Time    // after a failure

	// Owned by run: whether an event was observed, so that none is repeated.
	completed       bool // files of a killed process
	startObserved   bool // of file
	failureObserved bool // since the last start
	behindObserved  bool // since the last start
}

func newRecorder(mount string, source *streaming.Source, observe func(Event), o *Options) *recorder {
	r := &recorder{mount: mount, source: source, observe: observe, tap: source.Tap(), wake: make(chan struct{}, 1)}
	r.options.Store(o)
	return r
}

// set changes the options; nil ends the recording. Any goroutine may call it.
func (r *recorder) set(o *Options) {
	r.options.Store(o)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run records until the source has ended, or set has ended the recording.
func (r *recorder) run() {
	timer := time.NewTimer(drainInterval)
	defer timer.Stop()
	for {
		ended := false
		select {
		case <-r.source.Ended():
			ended = true
		case <-r.wake:
		case <-timer.C:
			timer.Reset(drainInterval)
		}
		o := r.options.Load()
		if o != nil {
			r.drain(o)
		} else if r.file != nil {
			r.drain(r.fileOptions)
		}
		if ended || o == nil {
			r.finish()
			return
		}
	}
}

// drain writes what has arrived.
func (r *recorder) drain(o *Options) {
	now := time.Now()
	if now.Before(r.retryAt) {
		r.tap.Skip()
		return
	}
	for {
		if r.tap.Behind() > maxBehind {
			r.skip()
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
	r.start()
	if r.file.isRemoved() {
		r.finish() // the stream continues in a new file
	}
}

// start announces a file once its first bytes are written.
func (r *recorder) start() {
	if !r.startObserved {
		r.startObserved, r.failureObserved, r.behindObserved = true, false, false
		r.observe(Event{Kind: Started, Mount: r.mount, File: r.file.path})
	}
}

// write writes a piece, to a new file if one is due.
func (r *recorder) write(o *Options, p streaming.Piece, now time.Time) error {
	if p.Start && r.file != nil && r.isRotationDue(o, p, now) {
		r.finish()
	}
	if r.file == nil {
		if !p.Start {
			return nil // a decoder can't begin here
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

// isRotationDue reports whether a piece at which a file can begin begins one.
func (r *recorder) isRotationDue(o *Options, p streaming.Piece, now time.Time) bool {
	switch {
	case *r.fileOptions != *o:
	case o.Size > 0 && r.file.bytes >= o.Size:
	case !r.rotateAt.IsZero() && !now.Before(r.rotateAt):
	case p.Init != r.init && !mayChange(p.Init):
	default:
		return false
	}
	return true
}

// mayChange reports whether the decoder's initialization may change within a file: Ogg is
// chained, and MPEG-TS repeats it.
func mayChange(init *format.Init) bool {
	return init != nil && (bytes.HasPrefix(init.Data, []byte("OggS")) || bytes.HasPrefix(init.Data, []byte{0x47}))
}

// begin creates the next file. Before the first one it completes those of a killed process.
func (r *recorder) begin(o *Options, now time.Time) (err error) {
	if !r.completed {
		r.completed = true
		completeLeft(o.Pattern, r.mount, func(path string, bytes int64) {
			r.observe(Event{Kind: Ended, Mount: r.mount, File: path, Bytes: bytes})
		})
	}
	if r.file, err = create(o.Pattern.Expand(r.mount, now), now); err != nil {
		r.file = nil
		return err
	}
	r.fileOptions, r.init, r.startObserved = o, nil, false
	r.rotateAt = nextMultiple(now, o.Every)
	return nil
}

// nextMultiple returns the next time at which the local clock shows a multiple of a duration,
// counted from midnight; the zero time if the duration is zero.
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
		r.start()
	}
	r.file = nil
	e := Event{Kind: Ended, Mount: r.mount, File: f.path, Bytes: f.bytes, Duration: time.Since(f.began)}
	if e.Err = f.close(r.fileOptions.Sync == SyncAtEnd); e.Err != nil {
		e.Kind = Failed
		r.failureObserved = true
	}
	r.observe(e)
}

// fail abandons the file, and skips the stream for retryDelay.
func (r *recorder) fail(err error, now time.Time) {
	e := Event{Kind: Failed, Mount: r.mount, Err: err}
	if f := r.file; f != nil {
		r.file = nil
		f.abandon()
		e.File, e.Bytes, e.Duration = f.path, f.bytes, time.Since(f.began)
	}
	r.retryAt = now.Add(retryDelay)
	if !r.failureObserved {
		r.failureObserved = true
		r.observe(e)
	}
	r.tap.Skip()
}

// skip skips what the disk was too slow for. It announces that once for each file.
func (r *recorder) skip() {
	lost := r.tap.Behind()
	r.tap.Skip()
	r.finish()
	if !r.behindObserved {
		r.behindObserved = true
		r.observe(Event{Kind: Behind, Mount: r.mount, Bytes: int64(lost)})
	}
}
