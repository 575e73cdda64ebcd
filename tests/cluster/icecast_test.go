package cluster

import (
	"fmt"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// caddycast as the slave of Debian's icecast2: all mounts, always or on demand, with
// their titles, and Ogg with its chains.
func TestIcecastIsOurMaster(t *testing.T) {
	for _, demand := range []string{"", "on_demand"} {
		t.Run("slave "+demand, func(t *testing.T) {
			master := harness.IcecastPeer(t, "")
			live := master.NumberedSource("/live.mp3", 1)
			defer live.Down()
			chain := harness.ByOggfwd("oggenc -Q -o - A; oggenc -Q -o - B")
			chain(t, master, "/chain.ogg")
			c := harness.NewCluster(t, "edge")
			edge := c.Nodes["edge"]
			c.Load(map[string]string{"edge": `
				role slave {
					master http://` + master.Plain + `
					password pullme
					interval 1s
					` + demand + `
				}
				mount /chain.ogg {
					linger 0s
				}`})
			all := onSlave(edge, "/live.mp3")
			harness.WaitForSource(t, "at home", 1, all...)
			master.SetTitleAsAdmin("/live.mp3", "Singer - Song")
			edge.WaitForTitle("/live.mp3", "Singer - Song")

			edge.WaitForMount("/chain.ogg")
			file := edge.Record("/chain.ogg", "application/ogg")
			harness.Decodes(t, file)

			late := master.NumberedSource("/late.mp3", 2)
			defer late.Down()
			harness.WaitForSource(t, "what came later", 2, onSlave(edge, "/late.mp3")...)
			harness.CheckAll(t, all...)
		})
	}
}

// Debian's icecast2 as our slave, and as a relay of one mount.
func TestIcecastIsOurSlave(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	chain := harness.ByOggfwd("oggenc -Q -o - A; oggenc -Q -o - B")
	chain(t, s, "/chain.ogg")
	s.WaitForMount("/chain.ogg")
	slave := harness.IcecastPeer(t, `
		<master-server>127.0.0.1</master-server>
		<master-server-port>`+harness.Port(s.Plain)+`</master-server-port>
		<master-update-interval>1</master-update-interval>
		<master-username>relay</master-username>
		<master-password>pullme</master-password>`)
	relay := harness.IcecastPeer(t, `
		<relay>
			<server>127.0.0.1</server><port>`+harness.Port(s.Plain)+`</port>
			<mount>/live.mp3</mount><local-mount>/relayed.mp3</local-mount>
			<on-demand>0</on-demand><relay-shoutcast-metadata>1</relay-shoutcast-metadata>
		</relay>`)
	for _, at := range []struct {
		*harness.Server
		mount string
	}{{slave, "/live.mp3"}, {relay, "/relayed.mp3"}} {
		harness.Eventually(t, at.mount+" is on icecast2", func() error {
			if at.Status(at.mount)["server_type"] == nil {
				return fmt.Errorf("there is %v", at.Status(at.mount))
			}
			return nil
		})
		w := at.ListenVerifying(at.mount, harness.HTTP1Metadata, false)
		harness.WaitForSource(t, "at icecast2", 1, w)
		s.SetTitleAsAdmin("/live.mp3", "By way of "+at.mount)
		at.WaitForTitle(at.mount, "By way of "+at.mount)
		harness.CheckAll(t, w)
	}
	harness.Eventually(t, "the chain is on icecast2", func() error {
		if slave.Status("/chain.ogg")["server_type"] == nil {
			return fmt.Errorf("there is nothing")
		}
		return nil
	})
	file := slave.Record("/chain.ogg", "application/ogg")
	harness.Decodes(t, file)
}

// Debian's icecast2 names no host when it reads the list of its master. The listener wrapper names
// that of the site; without the wrapper, Caddy answers with an empty 200, and a site without a host
// name is for it.
func TestIcecastIsTheSlaveOfASiteWithAHostName(t *testing.T) {
	for name, c := range map[string]struct{ wrapper, sites string }{
		"with the listener wrapper": {"servers {\n listener_wrappers {\n icecast\n }\n }", "http://localhost:%s"},
		"beside one without a name": {"", "http://localhost:%[1]s, http://:%[1]s"},
	} {
		t.Run(name, func(t *testing.T) { checkIcecastSlave(t, c.wrapper, c.sites) })
	}
}

// checkIcecastSlave checks that Debian's icecast2 finds a mount on some sites.
func checkIcecastSlave(t *testing.T, wrapper, sites string) {
	t.Helper()
	master := &harness.Server{T: t, Plain: harness.FreeAddress(t), AdminAddress: harness.FreeAddress(t)}
	harness.RunProcess(t, t.TempDir(), fmt.Sprintf(`{
		admin %[1]s
		auto_https off
		%[2]s
		icecast {
			source_password hackme
			relay_password pullme
		}
	}
	%[3]s {
		bind 127.0.0.1
		icecast
	}`, master.AdminAddress, wrapper, fmt.Sprintf(sites, harness.Port(master.Plain))))
	encodeTo(t, "/live.mp3", master.Plain)
	slave := harness.IcecastPeer(t, `
		<master-server>localhost</master-server>
		<master-server-port>`+harness.Port(master.Plain)+`</master-server-port>
		<master-update-interval>1</master-update-interval>
		<master-username>relay</master-username>
		<master-password>pullme</master-password>`)
	harness.Eventually(t, "the mount is on icecast2", func() error {
		if slave.Status("/live.mp3")["server_type"] == nil {
			return fmt.Errorf("there is %v", slave.Status("/live.mp3"))
		}
		return nil
	})
}
