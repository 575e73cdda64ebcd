package transport

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming"
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
	c := NewStream(w, nil)
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
	c := NewStream(w, nil)
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
	c := NewStream(w, nil)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c.Abort()
	if len(w.set) > 0 {
		t.Error("a deadline was set after the handler had returned")
	}
}

// Two of three who stalled over HTTP/2 were logged as if they had left: what the deadline
// ends first is the request.
func TestAStreamThatTakesNothingIsNotOneThatLeft(t *testing.T) {
	for _, c := range []struct {
		name    string
		timeout time.Duration
		want    streaming.Reason
	}{
		{"takes nothing", 50 * time.Millisecond, streaming.Slow},
		{"leaves", time.Hour, streaming.Disconnected},
	} {
		t.Run(c.name, func(t *testing.T) {
			over := make(chan streaming.Reason, 1)
			site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn := NewStream(w, nil)
				context.AfterFunc(r.Context(), func() { over <- conn.WhyOver() })
				for err := error(nil); err == nil; {
					_ = conn.SetWriteDeadline(time.Now().Add(c.timeout))
					_, err = conn.Write(make([]byte, 64<<10))
				}
				<-r.Context().Done()
			}))
			site.EnableHTTP2 = true
			site.StartTLS()
			defer site.Close()
			resp, err := site.Client().Get(site.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.ProtoMajor != 2 {
				t.Fatalf("it came by %s", resp.Proto)
			}
			if c.want == streaming.Disconnected {
				_ = resp.Body.Close()
			}
			select {
			case got := <-over:
				if got != c.want {
					t.Errorf("the reason is %s, want %s", got, c.want)
				}
			case <-time.After(20 * time.Second):
				t.Error("the request is not over")
			}
		})
	}
}
