package caddymodule

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"
)

// deadlines is a response that notes the deadlines it is given.
type deadlines struct {
	*httptest.ResponseRecorder
	set chan time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.set <- t
	return nil
}

func TestAResponseIsAbortedWhenItsClientLeaves(t *testing.T) {
	ctx, leave := context.WithCancel(context.Background())
	w := &deadlines{httptest.NewRecorder(), make(chan time.Time, 2)}
	c := newResponseConn(w, httptest.NewRequest("GET", "/live.mp3", nil).WithContext(ctx))
	leave()
	select {
	case at := <-w.set:
		if time.Until(at) > 0 {
			t.Errorf("the deadline is %s", at)
		}
	case <-time.After(patience):
		t.Fatal("writes would go on")
	}
	if err := c.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if len(w.set) > 0 {
		t.Error("writes were allowed again")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAResponseIsNotTouchedOnceItIsClosed(t *testing.T) {
	ctx, leave := context.WithCancel(context.Background())
	w := &deadlines{httptest.NewRecorder(), make(chan time.Time, 2)}
	c := newResponseConn(w, httptest.NewRequest("GET", "/live.mp3", nil).WithContext(ctx))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	leave()
	c.Abort()
	if len(w.set) > 0 {
		t.Error("a deadline was set after the handler had returned")
	}
}
