package state_test

import (
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/streaming"
)

// sink is a listener's connection that takes everything.
type sink struct{ closed chan struct{} }

func (s *sink) Write(p []byte) (int, error)      { return len(p), nil }
func (s *sink) Flush() error                     { return nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }
func (s *sink) Abort()                           {}
func (s *sink) Close() error                     { close(s.closed); return nil }

func TestTheAccessLineOfAListener(t *testing.T) {
	st := moduletest.New(t, new(caddymodule.Station))
	b := st.OnAir(t, "/live.mp3", nil)
	l, err := b.Mount.Admit(streaming.Client{
		IP: netip.MustParseAddr("192.0.2.7"), Agent: "player", Referer: "https://example.org/", User: "dj",
		Protocol: "HTTP/1.1", Encrypted: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	conn := &sink{make(chan struct{})}
	l.Go(conn, []byte("head"))
	b.End()
	<-conn.closed
	if err := st.App.Cleanup(); err != nil { // waits until all is logged
		t.Fatal(err)
	}

	all := st.Logs.FilterMessage("listener").All()
	if len(all) != 1 || all[0].LoggerName != "access" || all[0].Level != zap.InfoLevel {
		t.Fatalf("%v; want one line of the access log", all)
	}
	fields := all[0].ContextMap()
	if d, ok := fields["duration"].(time.Duration); !ok || d <= 0 || d > moduletest.Patience {
		t.Errorf("duration %v", fields["duration"])
	}
	for name, want := range map[string]any{
		"mount": "/live.mp3", "id": l.ID, "client_ip": "192.0.2.7", "proto": "HTTP/1.1", "tls": true,
		"user_agent": "player", "bytes": uint64(len("head") + len(moduletest.MP3)), "reason": "source ended",
		"referer": "https://example.org/", "user_id": "dj",
	} {
		if fields[name] != want {
			t.Errorf("%s: %#v; want %#v", name, fields[name], want)
		}
	}
}
