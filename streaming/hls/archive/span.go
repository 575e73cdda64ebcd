package archive

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/caddycast/caddycast/streaming/hls"
)

// The endings of the two files of a span.
const (
	indexEnding = ".index"
	dataEnding  = ".data"
)

// span is a file of segments and its index.
type span struct {
	path     string    // without the ending
	number   int64     // in its name: when it began, ms since 1970
	until    time.Time // when its last segment sounded
	sequence uint64    // of its last segment
}

// The length of spans is this part of the list's, within bounds.
const (
	spansOfList      = 8
	minSpan, maxSpan = time.Minute, time.Hour
)

// creator creates a file that is not there.
type creator func(path string) (io.WriteCloser, error)

func createFile(path string) (io.WriteCloser, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // G304: the folder is the operator's
}

// writer appends to the files of a span.
type writer struct {
	index, data io.WriteCloser
	offset      int64 // of data
	since       time.Time
	init        *hls.Init // the last one
	place       *piece    // of init
}

// begin begins a span with a segment.
func (a *Archive) begin(s *hls.Segment) error {
	if err := os.MkdirAll(a.options.Folder, 0o700); err != nil {
		return err
	}
	number := s.Time.UnixMilli()
	if n := len(a.spans); n > 0 { // the clock may go back, the order of files may not
		number = max(number, a.spans[n-1].number+1)
	}
	path := filepath.Join(a.options.Folder, strconv.FormatInt(number, 10))
	text, err := json.Marshal(newHead(a.rewind.Kind))
	if err != nil {
		return err
	}
	index, err := a.create(path + indexEnding)
	if err != nil {
		return err
	}
	data, err := a.create(path + dataEnding)
	if err == nil {
		_, err = index.Write(append(text, '\n'))
	}
	if err != nil {
		_ = index.Close()
		return errors.Join(err, os.Remove(path+indexEnding))
	}
	a.writer = &writer{index: index, data: data, since: s.Time}
	a.spans = append(a.spans, &span{path: path, number: number, until: s.Time})
	return nil
}

// endSpan closes the files of the span that is written.
func (a *Archive) endSpan() {
	if a.writer != nil {
		_, _ = a.writer.index.Close(), a.writer.data.Close() // what is written is checked when it is read
		a.writer = nil
	}
}

// write writes a segment and its line, and sets its place.
func (a *Archive) write(s *hls.Segment, data []byte) error {
	if w := a.writer; w != nil && s.Time.Sub(w.since).Abs() >= min(max(a.span()/spansOfList, minSpan), maxSpan) {
		a.endSpan()
	}
	if a.writer == nil {
		if err := a.begin(s); err != nil {
			return err
		}
	}
	w, last := a.writer, a.spans[len(a.spans)-1]
	l := line{
		Number: a.rewind.Next(), Discontinuity: a.rewind.Last(), Marked: s.Discontinuity, Sequence: s.Sequence, Name: s.Name,
		Codec: s.Codec, Time: s.Time.UnixNano(), Samples: s.Samples, Rate: s.Rate,
		Titles: titlesOf(s),
	}
	if l.Marked {
		l.Discontinuity++
	}
	if s.Init != nil {
		if w.init == nil || w.init.Name != s.Init.Name {
			place, err := w.append(s.Init.Data)
			if err != nil {
				return err
			}
			w.init, w.place = s.Init, &place
		}
		l.Init, l.InitName = w.place, s.Init.Name
	}
	var err error
	if l.Data, err = w.append(data); err != nil {
		return err
	}
	text, err := json.Marshal(&l)
	if err != nil {
		return err
	}
	if _, err := w.index.Write(append(text, '\n')); err != nil {
		return err
	}
	s.Place = hls.Place{File: last.path + dataEnding, Offset: l.Data.Offset}
	last.until, last.sequence = s.Time, s.Sequence
	return nil
}

// append appends to the data.
func (w *writer) append(data []byte) (piece, error) {
	p := piece{Offset: w.offset, Size: len(data), Sum: sum(data)}
	n, err := w.data.Write(data)
	w.offset += int64(n)
	return p, err
}

// removeOld removes the files whose segments can no longer be loaded, nor will be: those that
// have left the list of a length are loadable for as long again.
func (a *Archive) removeOld(now time.Time) {
	for len(a.spans) > 1 {
		s := a.spans[0]
		if now.Sub(s.until) < 2*a.span()+minSpan || s.sequence >= a.rewind.Oldest() {
			return
		}
		_, _ = os.Remove(s.path+indexEnding), os.Remove(s.path+dataEnding) // a file that stays is found again at the next start
		a.spans = a.spans[1:]
	}
}
