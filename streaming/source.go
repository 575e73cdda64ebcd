package streaming

import (
	"bufio"
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/streaming/icy"
)

const (
	readSize = 4 << 10  // room for a read; a source's buffer begins with that
	maxRead  = 32 << 10 // and grows up to this as long as reads fill it

	// maxFirst is how many bytes of a new source are kept for taps.
	maxFirst = 1 << 20
)

// errHalted ends the reading of a source that was stopped while its station was held.
var errHalted = errors.New("stopped")

// Source feeds a mount. Station.NewSource makes one, Run does its work, End
// gives the mount back.
type Source struct {
	// Set once.
	User     string // that it authenticated as
	Addr     string // its IP address
	Since    time.Time
	Interval int // bytes of audio between the metadata blocks that it sends; 0: none

	// Upstream is the URL that the source is pulled from; empty: it is an encoder that
	// sends.
	Upstream string

	// Takeovers is how often the mount was taken over from another node of a cluster: see OnClaim.
	Takeovers int

	// Yields reports whether an encoder may take the mount from this source, a relay.
	Yields bool

	// Pauses shortens the silence after which the source is gone, for an upstream that
	// sends steadily; nil: it is the mount's SourceTimeout.
	Pauses *Pauses

	// OnFirstUnit is called once, by Run, when the first unit of the source is in the log
	// or is known to continue it. It may be nil.
	OnFirstUnit func()

	onDemand atomic.Bool

	// BatchReads makes reads wait for more bytes: the function that ReadBatcher returns. It
	// may be nil.
	BatchReads func(bytes int)

	// linger is how long listeners wait for the next source, at least.
	linger time.Duration

	history *handedStream // brings what another process had, first; nil: there is none

	info  Info
	stop  func()
	halt  chan struct{} // closed by Stop
	ended chan struct{} // closed by End

	first atomic.Pointer[blocklog.Block] // before its first one; nil once it has sent for a while

	from uint64 // where it began in the log of its mount
	to   uint64 // where it ended; set before ended is closed

	mount     atomic.Pointer[Mount] // a change of type moves the source to a new one
	reason    atomic.Uint32
	lastSound atomic.Int64  // when sound last came, on the station's clock
	rate      atomic.Uint64 // bytes a second, as the bits of a float64

	watching sync.Mutex  // held while timer is armed or stopped
	timer    *time.Timer // calls watch
	watched  bool        // watch is to go on; watching guards it

	retitle atomic.Pointer[format.Comments] // the title that the stream itself is to carry from now on

	paced atomic.Bool // Run waits because the source sends too fast

	batching atomic.Bool // BatchReads has been given more than 1

	gate   atomic.Int32             // see enter
	holder atomic.Pointer[Handover] // that has shut the gate
	out    io.WriteCloser           // gets the units instead of the log; nil: the log does. It is set while the gate is shut

	// watch's.
	counted   uint64 // bytes read up to
	measured  time.Time
	lastBatch int // last given to BatchReads

	// Run's.
	running   bool   // its notice was published
	read      uint64 // bytes
	announced bool   // the type of what it sends is known
	framer    format.Framer
	init      *format.Init // of the last unit
	kind      string       // format.Kind of that
	pace      pace

	resumption       *blocklog.Resumption // nil: units go straight to the log
	titled           bool                 // it has sent a title in its metadata
	delivered        bool                 // OnFirstUnit was called
	newInit, ownInit *format.Init         // an init of the stream, and that of which it is a copy
}

// mayReplace reports whether a source may take the mount of another: a relay that of a
// relay, which is the same one with other settings; an encoder that of a relay that yields, or has
// sent nothing yet, and, where that is allowed, that of an encoder with the same user. mu
// is held.
func (s *Source) mayReplace(old *Source) bool {
	switch m := old.Mount(); {
	case s.Upstream != "":
		return old.Upstream != ""
	case old.Upstream != "":
		return old.Yields || !m.announced
	default:
		return m.Settings().Takeover && old.User == s.User
	}
}

// SetOnDemand sets whether the source is stopped once it has had no listener for a while.
func (s *Source) SetOnDemand(on bool) {
	s.onDemand.Store(on)
	if m := s.Mount(); on && m != nil {
		m.station.onDemand.Store(true)
	}
}

// Reason returns why the source ended, or Running.
func (s *Source) Reason() Reason { return Reason(s.reason.Load()) }

// Stop makes Run return soon; the first reason given stays.
func (s *Source) Stop(r Reason) {
	if s.reason.CompareAndSwap(uint32(Running), uint32(r)) {
		close(s.halt)
		s.stop()
	}
}

// Info returns how the source described itself.
func (s *Source) Info() Info { return s.info }

// Bitrate returns how fast the source has sent of late, in bit/s; 0 if that is not known yet.
func (s *Source) Bitrate() float64 { return 8 * math.Float64frombits(s.rate.Load()) }

// Silence returns how long ago the source last sent sound.
func (s *Source) Silence() time.Duration {
	heard := time.Duration(s.lastSound.Load())
	if heard == 0 {
		return time.Since(s.Since) // it has not begun
	}
	return s.Mount().station.clock() - heard
}

// IsEmpty reports whether a source has sent nothing at all. It is for after Run.
func (s *Source) IsEmpty() bool { return s.read == 0 }

// Mount returns the mount that the source feeds.
func (s *Source) Mount() *Mount { return s.mount.Load() }

// Run reads r to its end and appends it to the mount. It blocks until r ends, the
// source is silent for too long, or Stop is called, and returns the reason.
func (s *Source) Run(r io.Reader) Reason {
	s.running = true
	s.Mount().publishSource(s)
	s.lastSound.Store(int64(s.Mount().station.clock()))
	s.startWatch()
	defer s.stopWatch()
	if s.Interval > 0 {
		r = icy.NewReader(bufio.NewReaderSize(r, readSize), s.Interval, s.setTitle)
	}
	err := s.pump(r)
	if errors.Is(err, io.EOF) {
		s.reason.CompareAndSwap(uint32(Running), uint32(Finished))
	}
	s.reason.CompareAndSwap(uint32(Running), uint32(Disconnected))
	return s.Reason()
}

// End gives the mount back. It is called once, after Run or in its place, by
// the goroutine that would run Run.
func (s *Source) End() {
	if s.running {
		s.Mount().flushTitle()
		s.Mount().publish(Notice{Kind: SourceDisconnected, Source: s, Bytes: s.read})
	}
	s.Mount().station.endSource(s)
	close(s.ended)
	if h := s.holder.Load(); h != nil { // from now on no other one holds it
		h.sourceEnded(s)
	}
}

func (s *Source) setTitle(title, url string, others []icy.Field) {
	s.titled = true
	charset := s.Mount().Settings().Charset
	for i, f := range others {
		others[i].Value = blocklog.DecodeText(f.Value, charset)
	}
	s.Mount().Announce("", blocklog.DecodeText(title, charset), blocklog.DecodeText(url, charset), others...)
	if s.framer != nil && s.init != nil && s.init.Once {
		s.Mount().retitle(s) // only new listeners get another init
	}
}

// newFramer returns the framer of the source. The frames of an encoder are numbered on from
// those of the one before; those of a relay stay as they are, or the place where it resumes
// would not be found.
func (s *Source) newFramer() format.Framer {
	f := format.New(s.info.ContentType)
	if n, ok := f.(format.Numberer); ok && s.Upstream == "" {
		n.Continue(s.Mount().samples)
	}
	return f
}

// pump reads r to its end, or until an error, which it returns.
func (s *Source) pump(r io.Reader) error {
	s.framer = s.newFramer()
	buf := make([]byte, 0, readSize)
	for {
		room := cap(buf) - len(buf)
		n, err := r.Read(buf[len(buf):cap(buf)])
		s.Mount().bytesRead.Add(uint64(n))
		s.read += uint64(n)
		buf = buf[:len(buf)+n]
		if c := s.retitle.Swap(nil); c != nil {
			if r, ok := s.framer.(format.Retitler); ok {
				r.Retitle(*c)
			}
		}
		if !s.enter() {
			return errHalted
		}
		now := time.Now()
		s.Mount().log.SetClock(now.Sub(s.Mount().station.Started))
		rest, sounded := s.append(buf, err != nil || s.history.isRead())
		s.Mount().appended(now)
		s.leave()
		s.history.settle(s.halt)
		s.releaseFirst(maxFirst)
		buf = buf[:copy(buf, rest)]
		if sounded || n > 0 && !s.announced { // garbage is silence
			s.sounded(now)
		}
		if err != nil || s.Reason() != Running {
			return err
		}
		s.keepPace(n, now)
		if s.batching.Load() {
			s.BatchReads(0)
		}
		if cap(buf)-len(buf) < readSize/2 || n == room && cap(buf) < maxRead {
			buf = append(make([]byte, 0, min(2*cap(buf), 2*format.MaxUnit)), buf...)
		}
	}
}

// append cuts what was read into units, appends those to the log, and returns
// the bytes that are not part of a whole unit yet, and whether there was a unit.
func (s *Source) append(buf []byte, final bool) (rest []byte, sounded bool) {
	for len(buf) > 0 {
		n, u := s.framer.Next(buf, final)
		if n == 0 && u.Data == nil {
			break
		}
		buf = buf[n:]
		if u.Data == nil {
			continue
		}
		sounded = true
		if s.resumption != nil {
			s.resume(u)
		} else {
			s.add(u)
		}
	}
	if final && s.resumption != nil {
		s.beginAnew()
	}
	return buf, sounded
}

// add appends a unit to the log.
func (s *Source) add(u format.Unit) {
	if s.out != nil {
		s.pass(u)
		return
	}
	m := s.Mount()
	u = s.replaceInit(u)
	if !s.announced || u.Init != s.init {
		s.announce(u)
	}
	if u.Init != s.init {
		if s.init = u.Init; u.Init != nil && u.Init.Comments != nil {
			m.Announce(u.Init.Comments.Artist, u.Init.Comments.Title, "")
		}
	}
	if s.Upstream != "" {
		m.ending.Push(u)
	}
	m.log.Add(u, m.meta.Load())
	s.pace.note(len(u.Data), u.Duration)
	s.firstUnit()
}

// announce tells the station what the source sends from this unit on, if that is new. Listeners
// of what it has sent before hear that to its end, and new ones do not.
func (s *Source) announce(u format.Unit) {
	m, kind := s.Mount(), format.Kind(s.framer.Type(), u.Init)
	if s.announced && kind == s.kind {
		return
	}
	if s.announced {
		m.log.Flush()
		m.log.Cut(m.meta.Load())
	}
	s.announced, s.kind = true, kind
	m.station.announce(s, s.framer.Type(), promise{kind, format.AudioOf(s.framer.Type(), u)})
}

// firstUnit calls OnFirstUnit, the first time.
func (s *Source) firstUnit() {
	if !s.delivered && s.OnFirstUnit != nil {
		s.OnFirstUnit()
	}
	s.delivered = true
}
