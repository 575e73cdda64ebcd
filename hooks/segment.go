package hooks

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A queue is stored in segments. A segment is one value of the store, is written
// once under a key of its own, and never changes:
//
//	{"Version":1,
//	 "Time":"2026-01-02T03:04:05Z",              when it was written
//	 "Done":["<id>",…],                          events of earlier segments
//	 "Events":[{"Number":12,"ID":"<id>",…},…]}   events that were queued
//
// An event is queued if a segment has it and no segment calls it done. Number is
// its place in the order of the queue. An event may be in several segments, with
// the same number: that happens when the process ends between the writing of a
// segment and the deletion of those that it replaces.
//
// Until version 1 a queue was one value, a JSON array of its events, under the
// key DocumentKey. It is read as the oldest segment.
const segmentVersion = 1

// DocumentKey is the key of a queue that an older version stored as one value.
const DocumentKey = ""

// storedSegment is the stored form of a segment.
type storedSegment struct {
	Version int
	Time    time.Time     `json:",omitzero"`
	Done    []string      `json:",omitempty"`
	Events  []storedEvent `json:",omitempty"`
}

// storedEvent is the stored form of a queued event.
type storedEvent struct {
	Number uint64
	*Event
}

// decodeSegment reads a segment. Events without an ID are left out.
func decodeSegment(value []byte) (storedSegment, error) {
	var s storedSegment
	if err := json.Unmarshal(value, &s); err != nil {
		return storedSegment{}, err
	}
	if s.Version != segmentVersion {
		return storedSegment{}, fmt.Errorf("segment version %d; expected %d", s.Version, segmentVersion)
	}
	return s.valid(), nil
}

// decodeDocument reads a queue that an older version stored as one value. The
// events have no numbers.
func decodeDocument(value []byte) (storedSegment, error) {
	var events []*Event
	if err := json.Unmarshal(value, &events); err != nil {
		return storedSegment{}, err
	}
	var s storedSegment
	for _, e := range events {
		s.Events = append(s.Events, storedEvent{Event: e})
	}
	return s.valid(), nil
}

func (s storedSegment) valid() storedSegment {
	var events []storedEvent
	for _, e := range s.Events {
		if e.Event != nil && e.ID != "" {
			events = append(events, e)
		}
	}
	s.Events = events
	return s
}

// segmentKey returns the key of the nth segment that a process stores. Keys sort
// as their numbers do. The writer keeps two processes that share a store by
// mistake from overwriting each other's segments.
func segmentKey(n uint64, writer string) string { return fmt.Sprintf("%016x-%s", n, writer) }

// segmentNumber returns the number in the key of a segment.
func segmentNumber(key string) (uint64, error) {
	digits, writer, ok := strings.Cut(key, "-")
	if !ok || len(digits) != 16 || writer == "" {
		return 0, errors.New("not the key of a segment")
	}
	return strconv.ParseUint(digits, 16, 64)
}

// decode reads the value of a key.
func decode(key string, value []byte) (storedSegment, error) {
	if key == DocumentKey {
		return decodeDocument(value)
	}
	return decodeSegment(value)
}
