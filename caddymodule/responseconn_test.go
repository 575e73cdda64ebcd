package caddymodule

import (
	"net/http/httptest"
	"testing"
	"time"
)

// deadlines is a response that notes the deadlines it is given.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

// On HTTP/2 a deadline is a timer that resets the stream, whether or not
// something is being written. A mount that is silent for longer lost them all.
func TestAResponseHasNoDeadlineWhileNothingIsWritten(t *testing.T) {
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	c := newResponseConn(w)
	_ = c.SetWriteDeadline(time.Now().Add(time.Hour))
	_, _ = c.Write([]byte("sound"))
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	if last := w.set[len(w.set)-1]; !last.IsZero() {
		t.Errorf("after a flush the deadline is %s", last)
	}
}

func TestAnAbortedResponseWritesNoMore(t *testing.T) {
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	c := newResponseConn(w)
	c.Abort()
	if len(w.set) != 1 || time.Until(w.set[0]) > 0 {
		t.Fatalf("the deadlines are %s", w.set)
	}
	_ = c.SetWriteDeadline(time.Now().Add(time.Hour))
	_ = c.Flush()
	if len(w.set) > 1 {
		t.Error("writes were allowed again")
	}
}

func TestAResponseIsNotTouchedOnceItIsClosed(t *testing.T) {
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	c := newResponseConn(w)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c.Abort()
	if len(w.set) > 0 {
		t.Error("a deadline was set after the handler had returned")
	}
}
