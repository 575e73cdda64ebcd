package format

import (
	"slices"
	"strings"
)

// The elements that are read before the first Cluster (RFC 9559, section 5.1).
const (
	idDocType     = 0x4282
	idScale       = 0x2ad7b1
	idDuration    = 0x4489
	idTitle       = 0x7ba9
	idTrackEntry  = 0xae
	idTrackNumber = 0xd7
	idTrackType   = 0x83
	idTag         = 0x7373
	idSimpleTag   = 0x67c8
	idTagName     = 0x45a3
	idTagString   = 0x4487

	trackVideo = 1
	trackAudio = 2
)

// maxTracks is the maximum number of tracks that are carried.
const maxTracks = 64

// tracks are the tracks of a file.
type tracks struct {
	numbers  [maxTracks]uint64
	count    int
	timeline uint64 // the track that measures time
	video    bool   // there is a video track, and it is the timeline
	sound    bool   // there is an audio track
}

func (t *tracks) has(number uint64) bool {
	return slices.Contains(t.numbers[:t.count], number)
}

// add adds the track of a TrackEntry.
func (t *tracks) add(entry []byte) {
	var number, kind uint64
	for e := range ebmlElements(entry) {
		switch e.id {
		case idTrackNumber:
			number = ebmlUint(e.body)
		case idTrackType:
			kind = ebmlUint(e.body)
		}
	}
	if number == 0 || t.count == maxTracks || t.has(number) {
		return
	}
	first := kind == trackVideo && !t.video || kind == trackAudio && !t.video && !t.sound
	if first || t.count == 0 {
		t.timeline = number
	}
	t.numbers[t.count] = number
	t.count++
	t.video = t.video || kind == trackVideo
	t.sound = t.sound || kind == trackAudio
}

// finishInit makes the Init when the first Cluster begins. It reports false without tracks;
// all bytes before the next file are then dropped.
func (w *webm) finishInit() bool {
	docType, scale := "", uint64(0)
	for e := range ebmlElements(w.head) {
		switch e.id {
		case idEBML:
			docType = ebmlText(e.body, idDocType)
		case idSegment:
			scale = w.readSegment(e.body)
		}
	}
	head := w.head
	w.head = nil
	if w.tracks.count == 0 {
		return false
	}
	if scale == 0 {
		scale = 1e6
	}
	w.clock.tick = float64(scale) / 1e9
	w.init = &Init{Data: head, Comments: webmComments(head)}
	if w.contentType == "" {
		w.contentType = w.typeOf(docType)
	}
	return true
}

// readSegment reads the tracks and the timestamp scale, and removes duration and checksum.
func (w *webm) readSegment(body []byte) (scale uint64) {
	for e := range ebmlElements(body) {
		switch e.id {
		case idInfo:
			for e := range ebmlElements(e.body) {
				switch e.id {
				case idScale:
					scale = ebmlUint(e.body)
				case idDuration, ebmlCRC32:
					voidElement(e)
				}
			}
		case idTracks:
			for e := range ebmlElements(e.body) {
				if e.id == idTrackEntry {
					w.tracks.add(e.body)
				}
			}
		}
	}
	return scale
}

// voidElement turns a short element into padding.
func voidElement(e ebmlElement) {
	if size := len(e.all) - 2; size >= 0 && size < 0x7f {
		e.all[0], e.all[1] = ebmlVoid, 0x80|byte(size)
	}
}

// typeOf returns the declared type if there is one, else the type of the contents.
func (w *webm) typeOf(docType string) string {
	kind, of := "audio/", "x-matroska"
	if w.tracks.video || !w.tracks.sound {
		kind = "video/"
	}
	if docType == "webm" {
		of = "webm"
	}
	if w.declared != "" {
		return w.declared
	}
	return kind + of
}

// webmComments reads title and artist. Some muxers write the title into Info only.
func webmComments(head []byte) *Comments {
	var c Comments
	title := ""
	for segment := range ebmlElements(head) {
		if segment.id != idSegment {
			continue
		}
		for e := range ebmlElements(segment.body) {
			switch e.id {
			case idInfo:
				title = ebmlText(e.body, idTitle)
			case idTags:
				readTags(e.body, &c)
			}
		}
	}
	c.add("TITLE", title)
	return c.orNil()
}

func readTags(tags []byte, c *Comments) {
	for tag := range ebmlElements(tags) {
		if tag.id != idTag {
			continue
		}
		for e := range ebmlElements(tag.body) {
			if e.id == idSimpleTag {
				c.add(strings.ToUpper(ebmlText(e.body, idTagName)), ebmlText(e.body, idTagString))
			}
		}
	}
}

// ebmlText returns the text of the first element with that id.
func ebmlText(b []byte, id uint32) string {
	for e := range ebmlElements(b) {
		if e.id == id {
			text, _, _ := strings.Cut(string(e.body[:min(len(e.body), maxComment)]), "\x00")
			return shorten(text)
		}
	}
	return ""
}
