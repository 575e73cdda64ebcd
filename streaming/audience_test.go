package streaming

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/caddycast/caddycast/internal/eventually"
)

// The second connection of VLC is none from its address, either, whichever goes first.
func TestASecondConnectionIsNotCountedAgainstItsAddress(t *testing.T) {
	st, _ := newTestStation(t, Settings{PerIP: 1})
	e := connect(t, st, "/m", "audio/mpeg")
	e.send(10)
	c := Client{IP: netip.MustParseAddr("192.0.2.1"), Agent: "VLC/3.0.24 LibVLC/3.0.24"}
	for i := range 3 {
		c.Agent += fmt.Sprint(i) // or it would still be the session before
		first, second := join(t, st, "/m", true, c), join(t, st, "/m", false, c)
		if _, err := st.Mount("/m").Admit(c); err == nil {
			t.Error("a third one is admitted")
		}
		_ = first.Close()
		_ = second.Close()
		eventually.True(t, patience, "both are gone", func() bool { e.send(1); return st.Listeners() == 0 && st.known() == 0 })
	}
	if got := st.Audience(); len(got) != 1 || got[0].Sessions != 3 || got[0].Peak != 1 {
		t.Errorf("the audience is %+v", got)
	}
}

// known returns how many addresses are counted.
func (st *Station) known() int {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return len(st.addresses)
}
