package archive

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddycast/caddycast/streaming/hls"
)

const (
	// maxIndex bounds the size of an index: the longest line for each second of the longest span.
	maxIndex = 3600 * maxLine

	// unsureTime is how much of the end of a span is compared with its sums: the system may not
	// have written it when it ended.
	unsureTime = 2 * time.Minute
)

// load takes over what processes before this one have stored.
func (a *Archive) load(now time.Time) {
	a.spans = findSpans(a.options.Folder)
	var parts [][]*hls.Segment // the newest first
	var kind hls.Kind
	var first *line
	for _, s := range slices.Backward(a.spans) {
		k, lines, segments := s.read()
		if len(lines) == 0 {
			continue
		}
		last := lines[len(lines)-1]
		s.until, s.sequence = time.Unix(0, last.Time), last.Sequence
		if first == nil {
			kind = k
		} else if k != kind || !first.follows(&last) || now.Sub(s.until) > 2*a.span() {
			break
		}
		first, parts = &lines[0], append(parts, segments)
	}
	if first == nil {
		return
	}
	discontinuity := first.Discontinuity
	if first.Marked {
		discontinuity--
	}
	a.rewind, a.broken = hls.NewRewind(kind, a.span(), first.Number, discontinuity), true
	var goesOn []hls.TitleRange // the last title of the segments so far
	for _, part := range slices.Backward(parts) {
		for _, s := range part {
			if len(goesOn) > 0 && (len(s.Titles) == 0 || s.Titles[0].Time.After(s.Time)) {
				s.Titles = slices.Concat(goesOn, s.Titles)
			}
			if n := len(s.Titles); n > 0 {
				goesOn = s.Titles[n-1:]
			}
			a.rewind.Add(s)
		}
	}
	if newest := parts[0][len(parts[0])-1]; now.Sub(newest.Time) > a.span() { // only the numbers count
		a.rewind = a.rewind.After(kind, a.span(), newest, a.options.Least)
	}
}

// findSpans returns the spans in a folder, the oldest first. They end when the next one begins,
// until they are read.
func findSpans(folder string) (all []*span) {
	found, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	for _, f := range found {
		stem, isIndex := strings.CutSuffix(f.Name(), indexEnding)
		if number, err := strconv.ParseInt(stem, 10, 64); isIndex && err == nil && number >= 0 {
			all = append(all, &span{path: filepath.Join(folder, stem), number: number, until: time.UnixMilli(number)})
		}
	}
	slices.SortFunc(all, func(a, b *span) int { return cmp.Compare(a.number, b.number) })
	return all
}

// read reads the index of a span, as far as its data are whole.
func (s *span) read() (hls.Kind, []line, []*hls.Segment) {
	text, err := readUpTo(s.path+indexEnding, maxIndex)
	if err != nil {
		return hls.Kind{}, nil, nil
	}
	kind, lines, ok := parseIndex(text)
	data, err := os.Open(s.path + dataEnding)
	if !ok || err != nil {
		return hls.Kind{}, nil, nil
	}
	defer data.Close()
	stat, err := data.Stat()
	if err != nil {
		return hls.Kind{}, nil, nil
	}
	segments := make([]*hls.Segment, 0, len(lines))
	inits := make(map[string]*hls.Init)
	for i := range lines {
		l := &lines[i]
		if l.Data.Offset+int64(l.Data.Size) > stat.Size() {
			break
		}
		if l.Init != nil && inits[l.InitName] == nil {
			bytes, whole := l.Init.read(data)
			if !whole {
				break
			}
			inits[l.InitName] = &hls.Init{Name: l.InitName, Data: bytes}
		}
		if time.Duration(lines[len(lines)-1].Time-l.Time) < unsureTime {
			if _, whole := l.Data.read(data); !whole {
				break
			}
		}
		segments = append(segments, l.segment(s.path+dataEnding, inits[l.InitName]))
	}
	return kind, lines[:len(segments)], segments
}

// read returns a part of a file, and whether it has its sum.
func (p *piece) read(from io.ReaderAt) ([]byte, bool) {
	b := make([]byte, p.Size)
	if _, err := from.ReadAt(b, p.Offset); err != nil {
		return nil, false
	}
	return b, sum(b) == p.Sum
}

// readUpTo returns the beginning of a file.
func readUpTo(path string, most int64) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // G304: a file that was found in the operator's folder
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}
