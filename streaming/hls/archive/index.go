package archive

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"strings"
	"time"

	"github.com/caddycast/caddycast/streaming/hls"
	"github.com/caddycast/caddycast/streaming/icy"
)

// head is the first line of an index.
type head struct {
	Version int           `json:"version"`
	Codec   string        `json:"codec"`
	Ending  string        `json:"ending"`
	Segment time.Duration `json:"segment"` // ns
}

const version = 1

func newHead(k hls.Kind) head { return head{version, k.Codec, k.Ending, k.Segment} }

func (h *head) kind() hls.Kind { return hls.Kind{Codec: h.Codec, Ending: h.Ending, Segment: h.Segment} }

// line is a segment in an index.
type line struct {
	Number        uint64 `json:"number"`        // in the long list
	Discontinuity uint64 `json:"discontinuity"` // number of the last one up to here
	Marked        bool   `json:"marked,omitempty"`
	Sequence      uint64 `json:"sequence"`
	Name          string `json:"name"`
	Codec         string `json:"codec"`
	Time          int64  `json:"time"` // when it sounded, ns since 1970
	Samples       uint64 `json:"samples"`
	Rate          int    `json:"rate"`
	Init          *piece `json:"init,omitempty"`
	InitName      string `json:"init_name,omitempty"`
	Data          piece  `json:"data"`

	Titles []title `json:"titles,omitempty"` // that begin in it
}

// title is a hls.TitleRange.
type title struct {
	Number int    `json:"number"` // in the segment
	Time   int64  `json:"time"`   // ns since 1970
	Name   string `json:"name,omitempty"`
	Artist string `json:"artist,omitempty"`
	URL    string `json:"url,omitempty"`
}

const (
	storedTitles = 2   // of a segment at most, the last ones
	storedText   = 200 // bytes of each text of a title
)

// titlesOf returns the titles that begin in a segment.
func titlesOf(s *hls.Segment) (all []title) {
	for i := range s.Titles {
		if r := &s.Titles[i]; r.Sequence == s.Sequence {
			all = append(all, title{
				r.Number, r.Time.UnixNano(), icy.Cut(r.Title.Name, storedText), icy.Cut(r.Title.Artist, storedText), icy.Cut(r.Title.URL, storedText),
			})
		}
	}
	return all[max(0, len(all)-storedTitles):]
}

// titleRange returns the title of a line.
func (t *title) titleRange(sequence uint64) hls.TitleRange {
	return hls.TitleRange{Sequence: sequence, Number: t.Number, Time: time.Unix(0, t.Time), Title: hls.Title{Artist: t.Artist, Name: t.Name, URL: t.URL}}
}

// piece is a part of a data file.
type piece struct {
	Offset int64  `json:"offset"`
	Size   int    `json:"size"`
	Sum    uint32 `json:"sum"` // CRC-32 (Castagnoli)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// What a segment can be at most; an index that says more is wrong.
const (
	maxSize    = 64 << 20
	maxInit    = 1 << 20
	maxRate    = 1 << 20
	maxSeconds = 60
	maxName    = 64
	maxCodec   = 32
	maxLine    = 8 << 10
)

// parseIndex returns the kind and the lines of an index, up to the first that is not whole or
// cannot be.
func parseIndex(text []byte) (k hls.Kind, lines []line, ok bool) {
	first, text, whole := bytes.Cut(text, []byte("\n"))
	var h head
	if !whole || json.Unmarshal(first, &h) != nil || h.Version != version || h.Segment < time.Second/2 || h.Segment > maxSeconds*time.Second {
		return hls.Kind{}, nil, false
	}
	for {
		next, rest, whole := bytes.Cut(text, []byte("\n"))
		var l line
		if !whole || len(next) > maxLine || json.Unmarshal(next, &l) != nil || !l.isValid(h.Ending) {
			return h.kind(), lines, true
		}
		if n := len(lines); n > 0 && !l.follows(&lines[n-1]) {
			return h.kind(), lines, true
		}
		lines, text = append(lines, l), rest
	}
}

// isValid reports whether a line can be of a segment with an ending.
func (l *line) isValid(ending string) bool {
	switch {
	case !isName(l.Name, ending), len(l.Codec) > maxCodec, strings.ContainsAny(l.Codec, "\"\r\n"):
		return false
	case l.Rate <= 0, l.Rate > maxRate, l.Samples == 0, l.Samples > uint64(l.Rate)*maxSeconds:
		return false
	case l.Number > 1<<62, l.Sequence > 1<<62, l.Discontinuity > 1<<62, l.Marked && l.Discontinuity == 0:
		return false
	case len(l.Titles) > storedTitles:
		return false
	case l.Init != nil && (!isName(l.InitName, ".mp4") || !l.Init.isValid(maxInit)):
		return false
	}
	return l.Data.isValid(maxSize)
}

func (p *piece) isValid(most int) bool {
	return p.Offset >= 0 && p.Offset < 1<<62 && p.Size > 0 && p.Size <= most
}

// follows reports whether a line is that of the next segment in the list.
func (l *line) follows(before *line) bool {
	discontinuity := before.Discontinuity
	if l.Marked {
		discontinuity++
	}
	return l.Number == before.Number+1 && l.Discontinuity == discontinuity && l.Sequence > before.Sequence
}

// isName reports whether a name can be one that package hls has given: it has no separator.
func isName(name, ending string) bool {
	stem, found := strings.CutSuffix(name, ending)
	if !found || stem == "" || len(name) > maxName {
		return false
	}
	for _, c := range stem {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return true
}

// segment returns the segment of a line. Equal inits are one.
func (l *line) segment(file string, init *hls.Init) *hls.Segment {
	s := &hls.Segment{
		Sequence: l.Sequence, Name: l.Name, Size: l.Data.Size, Place: hls.Place{File: file, Offset: l.Data.Offset},
		Samples: l.Samples, Rate: l.Rate, Time: time.Unix(0, l.Time), Init: init, Codec: l.Codec, Discontinuity: l.Marked,
	}
	for i := range l.Titles {
		s.Titles = append(s.Titles, l.Titles[i].titleRange(l.Sequence))
	}
	return s
}
