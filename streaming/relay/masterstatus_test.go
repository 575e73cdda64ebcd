package relay

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/streaming"
)

func TestASlaveShowsWhatItsMasterSays(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answer  http.HandlerFunc
		state   string
		cause   string // is in Cause
		refused bool
	}{
		{
			"a wrong password", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
			"refuses", ": 401 Unauthorized; expected a user and password that the master accepts", true,
		},
		{"a reason", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Too many slaves follow the list", http.StatusServiceUnavailable)
		}, "refuses", "expected 200 and a list: Too many slaves follow the list", true},
		{"a page", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("<html>"))
		}, "refuses", "answer 404 Not Found; expected 200 and a list", true},
		{
			"a Caddy without a site for the host", func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil },
			"refuses", "an empty answer; expected a list (is there a site for this host name that has icecast?)", true,
		},
		{
			"an empty list", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/plain") },
			"connected", "", false,
		},
		{"no answer", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "unavailable", "EOF", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			master := httptest.NewServer(tt.answer)
			defer master.Close()
			m, _ := slaveOf(t, master.URL)
			var s MasterStatus
			eventually.True(t, soon, "the state is known", func() bool {
				s = m.Masters()[0]
				return s.State != "connecting"
			})
			if s.State != tt.state || !strings.HasSuffix(s.Cause, tt.cause) || s.URL != master.URL || s.Since.IsZero() || !s.Reported.IsZero() {
				t.Errorf("the status is %+v", s)
			}
			if (s.Refusals > 0) != tt.refused || tt.refused && (s.Refusal != s.Cause || s.RefusedAt.IsZero()) || s.IsUp() != (tt.state == "connected") {
				t.Errorf("the status is %+v", s)
			}
		})
	}
}

func TestASlaveShowsItsReports(t *testing.T) {
	master := newEventMaster(t, false)
	m, _ := slaveOf(t, master.URL)
	if got := m.Masters(); len(got) != 1 || got[0].State == "" || got[0].IsUp() {
		t.Errorf("at first the masters are %+v", got)
	}
	master.answerReports(http.StatusForbidden)
	master.send <- "event: list\nid: e-1\ndata: #\ndata: /m\n\n"
	var s MasterStatus
	eventually.True(t, soon, "the refusal is shown", func() bool {
		s = m.Masters()[0]
		return s.Refusals > 0
	})
	if s.Refusal != "answer 403 Forbidden: report: too dull" || !s.Reported.IsZero() || s.State != "connected" || s.Cause != "" {
		t.Errorf("the status is %+v", s)
	}
	master.answerReports(http.StatusNoContent)
	eventually.True(t, soon, "a report is taken", func() bool { return !m.Masters()[0].Reported.IsZero() })
	refusals := m.Masters()[0].Refusals
	m.Apply(Settings{Slave: &SlaveConfig{Masters: []Upstream{{URL: master.URL, Password: "new"}}, Interval: time.Second}})
	if got := m.Masters()[0].Refusals; got != refusals {
		t.Errorf("with another password there are %d refusals; before there were %d", got, refusals)
	}
	m.Apply(Settings{})
	if got := m.Masters(); got != nil {
		t.Errorf("without a role the masters are %+v", got)
	}
}

func TestAMasterOfAnEarlierVersionTakesReports(t *testing.T) {
	master := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Accept-Post", "application/json")
		w.Header().Set("Content-Type", "text/plain")
	}))
	defer master.Close()
	m := managed(t, streaming.MountSettings{})
	m.Apply(Settings{Slave: &SlaveConfig{Masters: []Upstream{{URL: master.URL}}, Interval: time.Second}})
	eventually.True(t, soon, "a report is taken", func() bool { return !m.Masters()[0].Reported.IsZero() })
}
