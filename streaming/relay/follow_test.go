package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/streaming"
)

// eventMaster is a master that sends its list as events.
type eventMaster struct {
	*httptest.Server
	send    chan string // text of the answer; closed: the answer ends
	reports chan Report
	ids     chan string // Last-Event-ID of each request for the list

	silent bool // no heartbeats

	mu     sync.Mutex
	status int // of the answer to a report
}

func newEventMaster(t *testing.T, silent bool) *eventMaster {
	t.Helper()
	m := &eventMaster{silent: silent, send: make(chan string), reports: make(chan Report, 100), ids: make(chan string, 100), status: http.StatusNoContent}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func (m *eventMaster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != ListPath:
		http.NotFound(w, r)
		return
	case r.Method == http.MethodPost:
		report, err := ReadReport(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
			return
		}
		m.reports <- report
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.status == http.StatusNoContent {
			w.WriteHeader(m.status)
			return
		}
		http.Error(w, "report: too dull", m.status)
		return
	case !strings.Contains(r.Header.Get("Accept"), EventStream):
		_, _ = io.WriteString(w, "/text\n")
		return
	}
	m.ids <- r.Header.Get("Last-Event-ID")
	w.Header().Set("Content-Type", EventStream)
	w.Header().Set(PathHeader, "master")
	control := http.NewResponseController(w)
	_ = control.Flush()
	beat := time.NewTicker(Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
			if !m.silent {
				_, _ = io.WriteString(w, ":\n")
				_ = control.Flush()
			}
		case text := <-m.send:
			if text == "" { // or it is closed
				return
			}
			_, _ = io.WriteString(w, text)
			_ = control.Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (m *eventMaster) answerReports(status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status = status
}

// next returns the next report for which a condition holds.
func (m *eventMaster) next(t *testing.T, what string, is func(Report) bool) Report {
	t.Helper()
	limit := time.After(soon)
	for {
		select {
		case r := <-m.reports:
			if is(r) {
				return r
			}
		case <-limit:
			t.Fatalf("no report: %s", what)
		}
	}
}

// slaveOf returns the manager of a slave, and what it announces.
func slaveOf(t *testing.T, master string) (*Manager, *events) {
	t.Helper()
	m, observed := managed(t, streaming.MountSettings{}), new(events)
	m.observe = func(e Event) {
		observed.observe(e)
		changes.send()
	}
	m.Apply(Settings{Slave: &SlaveConfig{
		Masters: []Upstream{{URL: master}}, Interval: time.Second, OnDemand: true,
		Report: func(string) Report { return Report{Mounts: map[string]int{"/m": 1}} },
	}})
	return m, observed
}

// count returns how many events of a kind were observed.
func (e *events) count(kind Kind) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.all {
		if one.Kind == kind {
			n++
		}
	}
	return n
}

func TestTheEventsOfAMasterAreFollowed(t *testing.T) {
	master := newEventMaster(t, false)
	m, observed := slaveOf(t, master.URL)
	master.send <- "event: list\nid: e-1\ndata: #\ndata: /m\n\n"
	eventually.True(t, soon, "the list is taken", func() bool { return m.Has("/m") })
	whole := master.next(t, "whole at first", func(Report) bool { return true })
	if whole.Partial || whole.Seq != 1 || whole.Mounts["/m"] != 1 || whole.Interval != 1 {
		t.Errorf("the first report is %+v", whole)
	}
	partial := master.next(t, "a partial one", func(r Report) bool { return r.Partial })
	if partial.Seq <= whole.Seq || len(partial.Mounts) != 0 {
		t.Errorf("the next report is %+v", partial)
	}
	master.send <- "event: changes\nid: e-2\ndata: #\ndata: +/n\ndata: -/m\n\n"
	eventually.True(t, soon, "the changes are taken", func() bool { return m.Has("/n") && !m.Has("/m") })

	master.answerReports(http.StatusConflict)
	master.next(t, "whole after a conflict", func(r Report) bool { return !r.Partial })
	master.answerReports(http.StatusBadRequest)
	eventually.True(t, soon, "the refusal is announced", func() bool { return observed.count(ReportRefused) == 1 })
	master.send <- "event: changes\nid: e-3\ndata: #\ndata: +/m\n\n"
	eventually.True(t, soon, "a refused report does not stop the list", func() bool { return m.Has("/m") && m.Has("/n") })
	master.answerReports(http.StatusNoContent)
	master.next(t, "partial again", func(r Report) bool { return r.Partial })
	if observed.count(MasterUp) != 1 || observed.count(MasterDown) != 0 || observed.count(ReportRefused) != 1 {
		t.Errorf("events: %v", observed)
	}

	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	m.SignOff(ctx)
	master.next(t, "the last one", func(r Report) bool { return r.Leaving })
	if !m.Has("/m") {
		t.Error("a relay ends with the reports")
	}
}

// A reload of the master ends its answers.
func TestAListThatEndsInOrderIsContinued(t *testing.T) {
	master := newEventMaster(t, false)
	m, observed := slaveOf(t, master.URL)
	if id := <-master.ids; id != "" {
		t.Errorf("the first request has the id %q", id)
	}
	master.send <- "event: list\nid: e-1\ndata: #\ndata: /m\n\n"
	eventually.True(t, soon, "the list is taken", func() bool { return m.Has("/m") })
	close(master.send)
	if id := <-master.ids; id != "e-1" {
		t.Errorf("the next request has the id %q; want e-1", id)
	}
	if n := observed.count(MasterDown); n != 0 {
		t.Errorf("the master was given up %d times", n)
	}
}

// A slave waited for an event before it reported, so that the master gave it up after a reload.
func TestReportsGoOnIfTheListHasNotChanged(t *testing.T) {
	master := newEventMaster(t, false)
	m, _ := slaveOf(t, master.URL)
	<-master.ids
	master.send <- "event: list\nid: e-1\ndata: #\ndata: /m\n\n"
	eventually.True(t, soon, "the list is taken", func() bool { return m.Has("/m") })
	master.send <- "" // ends the answer
	<-master.ids
	for len(master.reports) > 0 {
		<-master.reports
	}
	master.next(t, "after the first sign of life", func(Report) bool { return true })
}

func TestASilentMasterIsGivenUp(t *testing.T) {
	t.Parallel()
	master := newEventMaster(t, true)
	m, observed := slaveOf(t, master.URL)
	master.send <- "event: list\nid: e-1\ndata: #\ndata: /m\n\n"
	eventually.True(t, soon, "the list is taken", func() bool { return m.Has("/m") })
	eventually.True(t, masterSilence+soon, "it is given up", func() bool { return observed.count(MasterDown) == 1 })
	if !m.Has("/m") {
		t.Error("its last list is forgotten")
	}
}

// A proxy may hold back events, which never end.
func TestAListIsPolledIfEventsAreHeldBack(t *testing.T) {
	t.Parallel()
	master := newEventMaster(t, true)
	m, _ := slaveOf(t, master.URL)
	eventually.True(t, masterSilence+soon, "the text is taken", func() bool { return m.Has("/text") })
}

func TestASlaveSignsOffWhenItsRoleEnds(t *testing.T) {
	master := newEventMaster(t, true)
	m, _ := slaveOf(t, master.URL)
	master.send <- "event: list\nid: e-1\ndata: #\n\n"
	master.next(t, "the first", func(Report) bool { return true })
	eventually.True(t, soon, "the answer has arrived", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.slave.watchers[0].reported.Load()
	})
	m.Apply(Settings{})
	master.next(t, "the last one", func(r Report) bool { return r.Leaving })
}

func TestAReportThatDoesNotFollowIsAConflict(t *testing.T) {
	s, _ := newTestSlaves(t)
	by := new(Credential)
	first := Report{ID: "a", Interval: 2, Seq: 1, Mounts: map[string]int{"/m": 1}}
	if _, err := s.Register(by, first, "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Register(by, Report{ID: "a", Interval: 2, Seq: 3, Partial: true}, "192.0.2.1"); !errors.Is(err, ErrSequence) {
		t.Errorf("the error is %v; want %v", err, ErrSequence)
	}
}
