package upgrade

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/handover"
	"github.com/caddycast/caddycast/streaming"
)

// A listener whose connection was busy is sent when the older process has released its streams, which
// may be before the message that says so.
func TestListenersMayComeBeforeTheOlderProcessSaysThatItHasCommitted(t *testing.T) {
	if handover.Predecessor() != nil {
		takeTwoListeners(t)
		return
	}
	newer := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$") // this test, as the newer process
	var out bytes.Buffer
	newer.Stdout, newer.Stderr = &out, &out
	link, err := handover.Start(newer)
	if err != nil {
		t.Fatal(err)
	}
	expect := func(kind handover.Kind) {
		t.Helper()
		if m, _, err := link.Receive(time.Minute); err != nil || m.Kind != kind {
			t.Errorf("got %q, %v; expected %q", m.Kind, err, kind)
		}
	}
	send := func(m handover.Message, file *os.File) {
		t.Helper()
		if err := link.Send(m, file); err != nil {
			t.Errorf("%s: %v", m.Kind, err)
		}
	}
	listener := func(id uint64) {
		t.Helper()
		local, remote, err := handover.Pair()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = local.Close() })
		defer remote.Close()
		send(handover.Message{Kind: handover.Listener, Station: "s", Listener: &streaming.ListenerState{ID: id, Mount: "/m"}}, remote)
	}
	expect(handover.Streams)
	listener(1)
	send(handover.Message{Kind: handover.End}, nil)
	expect(handover.Commit)
	listener(2)
	send(handover.Message{Kind: handover.Committed}, nil)
	if err := newer.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	_ = link.Close()
}

// takeTwoListeners is the newer process.
func takeTwoListeners(t *testing.T) {
	st := streaming.NewStation(func(*streaming.Listener) {}, func(streaming.FeedChange) {})
	st.Apply(new(streaming.Settings))
	defer st.Close(t.Context())
	taking := &taking{link: handover.Predecessor(), log: zap.NewExample(), adoptions: map[string]*streaming.Adoption{"s": st.Adopt(nil)}}
	if err := taking.receive(); err != nil {
		t.Error(err)
	}
	if n := st.Listeners(); n != 2 {
		t.Errorf("%d listeners; expected 2", n)
	}
	taking.adoptions["s"].Finish()
	_ = taking.link.Close()
}
