package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"testing/synctest"
)

func golden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(text)
}

// The form of a segment must not change: another version reads it.
func TestASegmentIsWrittenAsItWasRead(t *testing.T) {
	want := golden(t, "segment.json")
	s, err := decodeSegment(want)
	if err != nil || len(s.Done) != 2 || len(s.Events) != 2 || s.Events[1].Number != 13 || s.Events[1].Get("pass") != "\xfc\x00"[:1]+"\x00" {
		t.Fatalf("read was %+v, %v", s, err)
	}
	if got, err := json.Marshal(s); err != nil || !bytes.Equal(got, want) {
		t.Errorf("written was %s, %v; want %s", got, err, want)
	}
}

// An older version stored a queue as one value.
func TestAQueueThatAnOlderVersionStoredIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := logged()
		store := new(memory)
		store.set("h", DocumentKey, golden(t, "document.json"))
		var got []string
		var last *Event
		r := &runs{do: func(_ context.Context, e *Event) error {
			got, last = append(got, e.ID), e
			return nil
		}}
		plan := keeper(r)
		plan.Hooks[0].Policy = Policy{Persist: true, Key: func(*Event) string { return "" }}
		d := NewDispatcher(log, store)
		d.Apply(plan)
		synctest.Wait()
		d.Dispatch(numberedEvent("/a", 0))
		d.Close(t.Context())
		if want := []string{"OLD1", "OLD2", "OLD3", "OLD4", "/a#0"}; !slices.Equal(got, want) || last.Get("n") != "0" {
			t.Errorf("delivered was %q; want %q", got, want)
		}
		if v := store.value("h"); v != "" || lines.Len() > 0 {
			t.Errorf("stored is %s, logged was %v; want neither", v, lines.All())
		}
	})
}

// The process may end between storing what an older version had stored and deleting
// its value, and the older version may have run again.
func TestAnOldValueBesideSegmentsDeliversNothingTwice(t *testing.T) {
	log, _ := logged()
	store := new(memory)
	store.set("h", DocumentKey, golden(t, "document.json"))
	segment := func(n uint64, s storedSegment) {
		value, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		store.set("h", segmentKey(n, "a"), value)
	}
	event := func(id string) storedEvent { return storedEvent{5, &Event{ID: id, Name: SourceConnected, Mount: "/a"}} }
	segment(1, storedSegment{Version: segmentVersion, Events: []storedEvent{event("OLD2"), event("NEW1")}})
	segment(2, storedSegment{Version: segmentVersion, Done: []string{"OLD2", "OLD3"}})
	d := NewDispatcher(log, store)
	defer closeNow(d)
	left, err := d.read("h", zapHook)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ids(left.events), []string{"OLD1", "OLD4", "NEW1"}; !slices.Equal(got, want) {
		t.Errorf("queued is %q; want %q", got, want)
	}
	if got, want := ids(left.spool.pending), []string{"OLD1", "OLD4"}; !slices.Equal(got, want) {
		t.Errorf("to be stored again is %q; want %q", got, want)
	}
}

func ids(events []*queuedEvent) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.id)
	}
	return ids
}

func FuzzStoredValuesAreReadOrRefused(f *testing.F) {
	for _, text := range []string{"", "null", "{}", `{"Version":1}`, `{"Version":1,"Events":[null,{}]}`, "[null,{}]", `{"Version":1,"Done":[null]}`} {
		f.Add([]byte(text), []byte(text))
	}
	f.Add(golden(f, "document.json"), golden(f, "segment.json"))
	f.Fuzz(func(t *testing.T, document, segment []byte) {
		s, known := newSpool(), make(map[string]*queuedEvent)
		for key, value := range map[string][]byte{DocumentKey: document} {
			stored, _ := decode(key, value)
			s.restore(key, stored, len(value), known)
		}
		stored, err := decode(segmentKey(1, "a"), segment)
		s.restore(segmentKey(1, "a"), stored, len(segment), known)
		events := s.restored(known)
		if err == nil {
			if _, err := json.Marshal(stored); err != nil {
				t.Fatalf("%q was read and can't be written: %v", segment, err)
			}
		}
		drain(t, s, events)
	})
}

// drain stores what is pending, finishes all events, and checks that nothing is left.
func drain(t *testing.T, s *spool, events []*queuedEvent) {
	flush := func() {
		for old := s.obsolete(); old != nil; old = s.obsolete() {
			s.deleted(old)
		}
		s.compact()
		for d := s.draft(); d != nil; d = s.draft() {
			s.stored(d, 100)
		}
		for old := s.obsolete(); old != nil; old = s.obsolete() {
			s.deleted(old)
		}
	}
	flush()
	for _, e := range events {
		if e.event == nil || e.id == "" || e.done {
			t.Fatalf("restored was %+v", e)
		}
		s.finish(e)
	}
	flush()
	if s.isDirty() || len(s.segments) > 0 || len(s.replaced) > 0 {
		t.Fatalf("left is %+v", s)
	}
}

func TestKeysOfSegmentsSortAsTheirNumbers(t *testing.T) {
	before := DocumentKey
	for _, n := range []uint64{0, 1, 9, 10, 1<<32 - 1, 1 << 32, 1<<64 - 1} {
		key := segmentKey(n, "abc")
		if back, err := segmentNumber(key); key <= before || back != n || err != nil {
			t.Errorf("key %q of %d comes after %q and is read as %d, %v", key, n, before, back, err)
		}
		before = key
	}
	for _, key := range []string{"", "-", "0000000000000001", "0000000000000001-", "000000000000000x-a", "1-a"} {
		if n, err := segmentNumber(key); err == nil {
			t.Errorf("%q is read as %d", key, n)
		}
	}
}
